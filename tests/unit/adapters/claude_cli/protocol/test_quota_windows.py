"""The CLI's events here are what 2.1.329 wrote for a simulated API's headers, unless said."""

import math
from collections.abc import Mapping

import pytest

from modegate.adapters.claude_cli.protocol.quota_windows import HeardWindows, read_windows
from modegate.domain.credentials.quota_windows import QuotaWindow, QuotaWindows, WindowStatus

NOW = 1_795_668_000.0
HOUR, WEEK, PAID = NOW + 3600, NOW + 259_200, NOW + 7200
ALLOWED, WARNING, REJECTED = WindowStatus
Info = dict[str, object]


def told(five_hour: str, used: float, seven_day: str = "allowed", used_7: float = 0.13) -> Info:
    return {
        "unifiedWindows": {
            "five_hour": {"utilization": used, "resetsAt": HOUR, "status": five_hour},
            "seven_day": {"utilization": used_7, "resetsAt": WEEK, "status": seven_day},
        }
    }


def known(info: Info) -> QuotaWindows:
    read = read_windows(info, NOW)
    assert read is not None
    return read


def facts(info: Info) -> tuple[object, object, object]:
    read = known(info)
    return read.status, read.binding, read.resets_at


ANSWERED = {
    "status": "allowed",
    "resetsAt": HOUR,
    "rateLimitType": "five_hour",
    "isUsingOverage": False,
    **told("allowed", 0.42),
}
REFUSED = {**ANSWERED, "status": "rejected", **told("rejected", 1)}


def test_each_window_has_its_use_reset_and_status() -> None:
    five_hour = QuotaWindow(name="five_hour", status=ALLOWED, used_ratio=0.42, resets_at=HOUR)
    seven_day = QuotaWindow(name="seven_day", status=ALLOWED, used_ratio=0.13, resets_at=WEEK)
    assert known(ANSWERED).windows == {"five_hour": five_hour, "seven_day": seven_day}
    assert facts(ANSWERED) == (ALLOWED, "five_hour", HOUR)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({**ANSWERED, "status": "allowed_warning"}, (WARNING, "five_hour", HOUR)),
        (REFUSED, (REJECTED, "five_hour", HOUR)),
        (
            {
                **REFUSED,
                "resetsAt": WEEK,
                "rateLimitType": "seven_day",
                **told("allowed", 0.1, "rejected", 1),
            },
            (REJECTED, "seven_day", WEEK),
        ),
        ({**REFUSED, **told("rejected", 1, "rejected", 1)}, (REJECTED, "five_hour", WEEK)),
        (
            {
                **REFUSED,
                "isUsingOverage": True,
                "overageStatus": "allowed",
                "overageResetsAt": WEEK,
            },
            (ALLOWED, "overage", WEEK),
        ),
        ({"status": "rejected", "resetsAt": HOUR}, (REJECTED, None, HOUR)),
        ({"status": "rejected", "errorCode": "credits_required"}, (REJECTED, None, None)),
    ],
)
def test_the_status_tells_whether_turns_are_served_and_what_binds(
    info: Info, expected: tuple[object, object, object]
) -> None:
    assert facts(info) == expected


@pytest.mark.parametrize(
    "name", ["seven_day_opus", "seven_day_sonnet", "seven_day_overage_included"]
)
def test_a_window_that_only_the_message_names_is_read_from_it(name: str) -> None:
    info = {"status": "rejected", "resetsAt": WEEK, "rateLimitType": name, "utilization": 1.0}
    window = QuotaWindow(name=name, status=REJECTED, used_ratio=1.0, resets_at=WEEK)
    assert known(info).windows == {name: window}


def test_paid_use_is_a_window_of_its_own_while_it_is_used_or_binds() -> None:
    paid = {"overageStatus": "rejected", "overageResetsAt": PAID}
    assert "overage" not in known({**REFUSED, **paid}).windows
    binding = known({**REFUSED, **paid, "rateLimitType": "overage", "utilization": 0.7})
    window = QuotaWindow(name="overage", status=REJECTED, used_ratio=0.7, resets_at=PAID)
    assert binding.windows["overage"] == window
    used = known({**REFUSED, "isUsingOverage": True, "rateLimitType": "overage"})
    assert used.windows["overage"] == QuotaWindow(name="overage")
    assert used.windows["five_hour"].status is REJECTED


@pytest.mark.parametrize(
    "window",
    [
        {"utilization": "0.5", "resetsAt": "soon", "status": "odd"},
        {"utilization": True, "resetsAt": -1, "status": None},
        {"utilization": math.nan, "resetsAt": math.inf, "status": []},
        {"utilization": -0.1, "resetsAt": math.nan, "status": 1},
    ],
)
def test_values_of_unknown_form_are_unknown(window: Info) -> None:
    """No CLI wrote these."""
    read = known({"status": "allowed", "unifiedWindows": {"five_hour": window, "A B": window}})
    assert read.windows == {"five_hour": QuotaWindow(name="five_hour")}


@pytest.mark.parametrize("info", [{}, {"status": "odd"}, {"status": None, **told("allowed", 0)}])
def test_a_message_without_a_known_status_is_ignored(info: Info) -> None:
    assert read_windows(info, NOW) is None


def event(info: Mapping[str, object]) -> dict[str, object]:
    return {"type": "rate_limit_event", "rate_limit_info": info, "uuid": "u", "session_id": "s"}


def test_the_newest_event_counts_and_a_reset_window_is_no_longer_rejected() -> None:
    moment = [NOW]
    heard = HeardWindows(lambda: moment[0])
    assert heard.current() is None
    heard.note({"type": "result"})
    heard.note({"type": "rate_limit_event"})
    assert heard.current() is None
    heard.note(event(ANSWERED))
    heard.note(event(REFUSED))
    now = heard.current()
    assert now is not None
    assert now.status is REJECTED
    assert now.windows["five_hour"].used_ratio == 1
    moment[0] = HOUR
    reset = heard.current()
    assert reset is not None
    assert (reset.status, reset.binding) == (ALLOWED, None)
    assert reset.windows["five_hour"] == QuotaWindow(name="five_hour", status=ALLOWED)
    assert reset.windows["seven_day"].used_ratio == 0.13
