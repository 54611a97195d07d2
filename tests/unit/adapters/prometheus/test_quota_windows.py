from prometheus_client import CollectorRegistry, generate_latest
from support.idle_claude import IdleClaude

from modegate.adapters.prometheus.quota_windows import QuotaWindowMetrics
from modegate.domain.credentials.quota_windows import QuotaWindow, QuotaWindows, WindowStatus

NOW = 1_795_668_000.0


def rendered(*windows: QuotaWindow) -> list[str]:
    claude = IdleClaude()
    if windows:
        claude.windows = QuotaWindows(
            status=WindowStatus.ALLOWED, windows={it.name: it for it in windows}
        )
    registry = CollectorRegistry()
    registry.register(QuotaWindowMetrics(claude, lambda: NOW))
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_each_window_has_its_use_and_the_seconds_until_its_reset() -> None:
    used = QuotaWindow(name="five_hour", used_ratio=0.42, resets_at=NOW + 90)
    late = QuotaWindow(name="seven_day", used_ratio=1.5, resets_at=NOW - 1)
    assert rendered(used, late) == [
        'modegate_claude_window_used_ratio{window="five_hour"} 0.42',
        'modegate_claude_window_used_ratio{window="seven_day"} 1.5',
        'modegate_claude_window_resets_seconds{window="five_hour"} 90.0',
        'modegate_claude_window_resets_seconds{window="seven_day"} 0.0',
    ]


def test_what_is_unknown_has_no_sample() -> None:
    assert rendered(QuotaWindow(name="five_hour", used_ratio=0.0)) == [
        'modegate_claude_window_used_ratio{window="five_hour"} 0.0'
    ]
    assert rendered() == []
