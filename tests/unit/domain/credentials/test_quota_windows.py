from modegate.domain.credentials.quota_windows import QuotaWindow, QuotaWindows, WindowStatus

NOW = 1_795_668_000.0
ALLOWED, WARNING, REJECTED = WindowStatus


def window(name: str, used: float | None, resets_at: float | None = NOW + 60) -> QuotaWindow:
    return QuotaWindow(name=name, status=WARNING, used_ratio=used, resets_at=resets_at)


def windows(*all_of_them: QuotaWindow, resets_at: float | None = NOW + 60) -> QuotaWindows:
    return QuotaWindows(
        status=REJECTED,
        binding="five_hour",
        resets_at=resets_at,
        windows={it.name: it for it in all_of_them},
    )


def test_a_window_is_as_reported_until_its_reset_and_then_unknown_and_allowed() -> None:
    reported = window("five_hour", 0.9)
    assert reported.at(NOW + 59.9) == reported
    assert reported.at(NOW + 60) == QuotaWindow(name="five_hour", status=ALLOWED)
    endless = window("five_hour", 0.9, None)
    assert endless.at(NOW * 2) == endless


def test_a_refusal_ends_with_its_own_reset_while_other_windows_go_on() -> None:
    week = window("seven_day", 0.5, NOW + 90)
    known = windows(week, window("five_hour", 1.0))
    assert known.at(NOW) == known
    assert list(known.at(NOW).windows) == ["five_hour", "seven_day"]
    later = known.at(NOW + 60)
    assert (later.status, later.binding, later.resets_at) == (ALLOWED, None, None)
    assert later.windows["seven_day"] == week
    assert later.windows["five_hour"].used_ratio is None


def test_a_refusal_without_a_time_lasts_until_the_next_report() -> None:
    known = windows(resets_at=None)
    assert known.at(NOW * 2).status is REJECTED
    allowed = QuotaWindows(status=ALLOWED)
    assert known.updated(allowed) == allowed


def test_the_newest_report_of_a_window_counts_and_others_stay() -> None:
    known = windows(window("five_hour", 0.9), window("seven_day_opus", 0.2))
    newer = windows(window("five_hour", 0.1, NOW + 999))
    updated = known.updated(newer)
    assert updated.windows["five_hour"] == newer.windows["five_hour"]
    assert updated.windows["seven_day_opus"] == known.windows["seven_day_opus"]


def test_a_report_without_a_use_keeps_that_of_the_same_period() -> None:
    known = windows(window("five_hour", 0.9))
    same = known.updated(windows(window("five_hour", None)))
    assert same.windows["five_hour"].used_ratio == 0.9
    next_one = known.updated(windows(window("five_hour", None, NOW + 999)))
    assert next_one.windows["five_hour"].used_ratio is None


def test_paid_use_is_shown_only_while_it_is_reported() -> None:
    known = windows(window("overage", 0.2), window("five_hour", 1.0))
    assert list(known.updated(windows()).windows) == ["five_hour"]
    assert "overage" in known.updated(windows(window("overage", 0.3))).windows
