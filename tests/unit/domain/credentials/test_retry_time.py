import pytest

from modegate.domain.credentials.retry_time import retry_after_s, wait_asked_s

NOW = 1_792_000_000.0  # Wed, 14 Oct 2026 17:46:40 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": "Wed, 14 Oct 2026 17:47:40 GMT"}, 60),
        ({"retry-after": "Wed, 14 Oct 2026 17:40:00 GMT"}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_retry_after_is_read_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds
    assert wait_asked_s(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("120ms", 0.12),
        ("1d", 86_400),
        ("30", 30),
        ("1792000090", 90),
        ("2026-10-14T17:47:40Z", 60),
        ("2026-10-14T17:00:00Z", 0),
        ("-5", 0),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_a_reset_is_read_in_each_form(value: str, seconds: float | None) -> None:
    assert wait_asked_s({"x-ratelimit-reset-requests": value}, NOW) == seconds


def test_the_limit_with_nothing_remaining_counts() -> None:
    headers = {
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-tokens": "50s",
        "x-ratelimit-remaining-tokens": "1000",
    }
    assert wait_asked_s(headers, NOW) == 2


def test_without_a_spent_limit_the_later_reset_counts() -> None:
    headers = {"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "50s"}
    assert wait_asked_s(headers, NOW) == 50
    assert wait_asked_s(headers | {"retry-after": "9"}, NOW) == 9
