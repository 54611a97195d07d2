import pytest

from modegate.adapters.openai_sdk.answers.upstream_errors import STATUS_BY_NAME, error_in, status_of


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"error": {"message": "x", "code": 402}}, 402),
        ({"error": {"code": "429"}}, 429),
        ({"error": {"message": "x", "type": "rate_limit_error", "code": None}}, 429),
        ({"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}, 429),
        ({"error": {"code": "invalid_api_key", "type": "invalid_request_error"}}, 401),
        ({"type": "error", "error": {"type": "overloaded_error"}}, 529),
        ({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, 400),
        ([{"error": {"code": 503, "status": "UNAVAILABLE"}}], 503),
        ({"object": "error", "message": "x", "type": "BadRequestError", "code": 404}, 404),
        ({"object": "error", "message": "x", "type": "NotFoundError"}, 404),
        ({"error": {"message": "x"}, "status": 418}, 418),
        ({"error": {"message": "x"}, "status_code": "503"}, 503),
        ({"error": "the model is loading"}, 502),
        ({"error": {"code": 200}}, 502),
        ({"error": {"code": 1003}}, 502),
        ({"error": {"code": "x" * 3, "type": ["odd"]}}, 502),
        ({"error": ["x"]}, 502),
    ],
)
def test_the_status_is_the_one_that_an_error_names(value: object, status: int) -> None:
    assert error_in(value) is not None
    assert status_of(value) == status


@pytest.mark.parametrize(
    "value",
    [{}, {"error": None}, {"error": {}, "choices": []}, [], [1], "error", None, {"type": "text"}],
)
def test_what_is_no_error(value: object) -> None:
    assert error_in(value) is None


def test_every_named_status_is_one_of_an_error() -> None:
    assert all(400 <= status <= 599 for status in STATUS_BY_NAME.values())
    assert all(name == name.lower() for name in STATUS_BY_NAME)
