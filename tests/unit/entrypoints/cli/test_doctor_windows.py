from modegate.domain.credentials.quota_windows import QuotaWindow, QuotaWindows, WindowStatus
from modegate.entrypoints.cli.doctor_windows import CLOSE, REFUSED, describe_windows

RESET = 1_795_671_547.0  # 2026-11-26 05:39:07 UTC
ALLOWED, WARNING, REJECTED = WindowStatus


def lines(known: QuotaWindows) -> list[str]:
    return [line for it in describe_windows(known) for line in str(it).splitlines()]


def test_each_window_is_a_line_the_one_that_binds_last() -> None:
    five = QuotaWindow(name="five_hour", status=WARNING, used_ratio=0.934, resets_at=RESET)
    week = QuotaWindow(name="seven_day", status=ALLOWED)
    windows = {"five_hour": five, "seven_day": week}
    known = QuotaWindows(status=WARNING, binding="five_hour", resets_at=RESET, windows=windows)
    assert lines(known) == [
        "ok   claude: quota window seven_day, use unknown",
        "warn claude: quota window five_hour, 93% used, resets 2026-11-26 05:39:07Z, binds",
        f"     {CLOSE}",
    ]


def test_a_refusal_is_a_warning_with_its_end_even_without_a_window() -> None:
    assert lines(QuotaWindows(status=REJECTED, resets_at=RESET)) == [
        "warn claude: the account is over its limit, resets 2026-11-26 05:39:07Z",
        f"     {REFUSED}",
    ]
    assert "limit\n" in "\n".join(lines(QuotaWindows(status=REJECTED)))
