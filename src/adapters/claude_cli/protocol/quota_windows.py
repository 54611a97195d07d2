"""Reads the account's quota windows from the CLI's events, without I/O.

Measured on 2.1.329: with a login, stored or in `CLAUDE_CODE_OAUTH_TOKEN`, the CLI reads the headers
`anthropic-ratelimit-unified-*` of each response, and writes a `rate_limit_event` when its process
sees the first ones, and when a percentage, reset or status has changed. With a key it writes none.
The `rate_limit_info` of a refused turn's error repeats part of the event before it.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from modegate.adapters.claude_cli.protocol.events import Event, child, number
from modegate.adapters.claude_cli.protocol.failures.rate_limits import reset_in
from modegate.domain.credentials.quota_windows import (
    OVERAGE,
    QuotaWindow,
    QuotaWindows,
    WindowStatus,
)

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
STATUSES: Mapping[object, WindowStatus] = {str(it): it for it in WindowStatus}
LATEST_S = 253_402_300_799  # the last second of the year 9999
ALL_OF_IT = 1e6  # a ratio above is none


class HeardWindows:
    """Keeps what all processes of an account report; of each window the newest report counts.

    `now` returns the machine's time in Unix seconds, which is what resets are told in.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._latest: QuotaWindows | None = None

    def note(self, event: Event) -> None:
        """Records a `rate_limit_event`; all others say nothing new about windows."""
        if event.get("type") != "rate_limit_event":
            return
        if heard := read_windows(child(event, "rate_limit_info"), self._now()):
            self._latest = self._latest.updated(heard) if self._latest else heard

    def current(self) -> QuotaWindows | None:
        """Returns the windows as they are now; None if no event had any."""
        return self._latest and self._latest.at(self._now())


def read_windows(info: Event, now: float) -> QuotaWindows | None:
    """Returns the windows in a `rate_limit_info`; None if it has no status that is known."""
    status = _status(info, "status")
    if status is None:
        return None
    windows = {it.name: it for it in _windows(child(info, "unifiedWindows"))}
    named = _name(info.get("rateLimitType"))
    is_paid = info.get("isUsingOverage") is True
    if is_paid or named == OVERAGE:
        windows[OVERAGE] = _overage(info)
    if named is not None and not (is_paid and named == OVERAGE):
        windows[named] = _completed(windows.get(named, QuotaWindow(name=named)), info)
    if is_paid:  # the plan is used up, but turns are served
        paid = windows[OVERAGE]
        return QuotaWindows(
            status=paid.status or WindowStatus.ALLOWED,
            binding=OVERAGE,
            resets_at=paid.resets_at,
            windows=windows,
        )
    resets_at = reset_in(info, now) or _time(info, "resetsAt")
    return QuotaWindows(status=status, binding=named, resets_at=resets_at, windows=windows)


def _windows(told: Event) -> Iterator[QuotaWindow]:
    for key in told:
        if (name := _name(key)) and (window := child(told, key)):
            yield QuotaWindow(
                name=name,
                status=_status(window, "status"),
                used_ratio=_ratio(window),
                resets_at=_time(window, "resetsAt"),
            )


def _overage(info: Event) -> QuotaWindow:
    return QuotaWindow(
        name=OVERAGE,
        status=_status(info, "overageStatus"),
        resets_at=_time(info, "overageResetsAt"),
    )


def _completed(window: QuotaWindow, info: Event) -> QuotaWindow:
    """Returns the window that the whole message is about, with what only the message says."""
    return replace(
        window,
        status=window.status or _status(info, "status"),
        used_ratio=_ratio(info) if window.used_ratio is None else window.used_ratio,
        resets_at=window.resets_at or _time(info, "resetsAt"),
    )


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and NAME.fullmatch(value) else None


def _status(event: Event, name: str) -> WindowStatus | None:
    value = event.get(name)
    return STATUSES.get(value) if isinstance(value, str) else None


def _ratio(event: Event) -> float | None:
    value = event.get("utilization")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if 0 <= value < ALL_OF_IT else None


def _time(event: Event, name: str) -> float | None:
    value = number(event, name)
    return value if 0 < value <= LATEST_S else None
