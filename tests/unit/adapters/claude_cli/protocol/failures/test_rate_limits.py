from datetime import UTC, datetime

import pytest

from modegate.adapters.claude_cli.protocol.failures.rate_limits import reset_of_text

NOW = datetime(2026, 11, 25, 18, 11, 20, tzinfo=UTC).timestamp()


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Claude AI usage limit reached|1895000000", 1_895_000_000),
        ("You've hit your 5-hour limit · resets 8:11pm (UTC)", at(2026, 11, 25, 20, 11)),
        ("You've hit your limit · resets 8pm (UTC) · progress saved", at(2026, 11, 25, 20)),
        ("You've hit your session limit · resets 3pm (Europe/Paris)", at(2026, 11, 26, 14)),
        ("You've hit your limit · resets 12am (UTC)", at(2026, 11, 26)),
        ("You've hit your limit · resets 12:30pm (UTC)", at(2026, 11, 26, 12, 30)),
        ("weekly limit · resets Nov 28, 8pm (Europe/Paris)", at(2026, 11, 28, 19)),
        ("It resets Jan 2, 2027, 8:30am (America/New_York).", at(2027, 1, 2, 13, 30)),
        ("limit · resets Jan 2, 8:30am (UTC)", at(2027, 1, 2, 8, 30)),
        ("again after it resets on November 28 at 15:00 UTC.", at(2026, 11, 28, 15)),
        ("usage limit resets at 7pm (Asia/Tokyo)", at(2026, 11, 26, 10)),
        ("this minute: resets 6:11pm (UTC)", at(2026, 11, 25, 18, 11)),
        ("Please try again in 37 seconds.", NOW + 37),
        ("wait 2h 5m", NOW + 7500),
        ("retry after 1.5s", NOW + 1.5),
    ],
)
def test_reset_times_in_rate_limit_messages_are_parsed(text: str, ends: float) -> None:
    assert reset_of_text(text, NOW) == ends


@pytest.mark.parametrize(
    "text",
    [
        "",
        "API Error: Request rejected (429) · over the limit",
        "usage limit reached, resets soon",
        "resets 10am (Nowhere/Land)",
        "resets Feb 31 (UTC)",
        "resets 55pm (UTC)",
        "try again in a moment",
    ],
)
def test_messages_without_a_valid_time_give_no_reset_time(text: str) -> None:
    assert reset_of_text(text, NOW) is None


def test_a_reset_time_without_a_zone_is_in_local_time() -> None:
    reset = reset_of_text("You've hit your limit · resets 3pm", NOW)
    assert reset is not None
    assert datetime.fromtimestamp(reset, None).hour == 15  # noqa: DTZ006 - local time is intended
    assert 0 < reset - NOW <= 25 * 3600
