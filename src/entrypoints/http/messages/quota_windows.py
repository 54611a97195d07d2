"""The JSON object of a Claude account's quota windows; times are Unix seconds, null if unknown."""

from modegate.domain.credentials.quota_windows import QuotaWindow, QuotaWindows


def describe_windows(known: QuotaWindows) -> dict[str, object]:
    """Returns the windows and the one that binds."""
    return {
        "status": known.status,
        "binding": known.binding,
        "resets_at": _seconds(known.resets_at),
        "windows": [_describe(window) for window in known.windows.values()],
    }


def _describe(window: QuotaWindow) -> dict[str, object]:
    return {
        "name": window.name,
        "status": window.status,
        "used_ratio": window.used_ratio,
        "resets_at": _seconds(window.resets_at),
    }


def _seconds(at: float | None) -> int | None:
    return None if at is None else int(at)
