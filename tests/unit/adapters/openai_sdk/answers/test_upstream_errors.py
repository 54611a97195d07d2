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
def test_an_error_body_has_the_status_it_names_or_502(value: object, status: int) -> None:
    assert error_in(value) is not None
    assert status_of(value) == status


@pytest.mark.parametrize(
    "value",
    [{}, {"error": None}, {"error": {}, "choices": []}, [], [1], "error", None, {"type": "text"}],
)
def test_values_without_an_error_are_not_errors(value: object) -> None:
    assert error_in(value) is None


def test_every_status_by_name_is_a_4xx_or_5xx_with_a_lowercase_name() -> None:
    assert all(400 <= status <= 599 for status in STATUS_BY_NAME.values())
    assert all(name == name.lower() for name in STATUS_BY_NAME)
