"""Parses when an account's rate limit resets, without I/O.

The formats are those of 2.1.329. Earlier versions wrote the epoch after a bar (`|`). Times are Unix
seconds.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from modegate.adapters.claude_cli.protocol.events import Event, child, number
from modegate.domain.credentials.quota_windows import OVERAGE

EPOCH = re.compile(r"\blimit reached\|(\d{10})\b", re.IGNORECASE)
ACCESS = re.compile(r"\bregain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC", re.IGNORECASE)
WAIT = re.compile(
    r"\b(?:in|after|wait)\s+(?:about\s+)?(?P<days>\d+ ?d(?:ays?)?\b ?)?(?P<hours>\d+ ?h(?:ours?|rs?)?\b ?)?"
    r"(?P<minutes>\d+ ?m(?:in(?:ute)?s?)?\b ?)?(?P<seconds>\d+(?:\.\d+)? ?s(?:ec(?:ond)?s?)?\b)?",
    re.IGNORECASE,
)
RESET = re.compile(
    r"\bresets?\s+(?:at\s+|on\s+)?"
    r"(?:(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s+(?P<day>\d{1,2})"
    r"(?:,\s+(?P<year>\d{4}))?(?:,?\s+(?:at\s+)?)?)?"
    r"(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s?(?P<half>[ap]m)?)?"
    r"(?:\s*\(?(?P<zone>UTC|[A-Z][A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)+)\)?)?",
    re.IGNORECASE,
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)  # texts omit seconds, so the named minute may have begun
NOON = 12
PLAN_WINDOWS = ("five_hour", "seven_day")  # each refuses all models; others refuse one
UNITS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def reset_in(info: Event, now: float) -> float | None:
    """Returns the reset time in a `rate_limit_info`; None if it rejects nothing or has no time.

    Requests succeed again when the plan's windows or the paid overage reset, whichever is first.
    The time is past if the machine's clock is ahead of the API's.
    """
    if info.get("status") != "rejected" or info.get("isUsingOverage") is True:
        return None
    ends = [at for at in (_plan_resets_at(info), number(info, "overageResetsAt")) if at]
    return min((at for at in ends if at > now), default=max(ends, default=None))


def reset_of_text(text: str, now: float) -> float | None:
    """Returns the reset time in a text for people; None if it has none."""
    if epoch := EPOCH.search(text):
        return float(epoch[1])
    if access := ACCESS.search(text):
        with suppress(ValueError):
            return datetime.fromisoformat(f"{access[1]}T{access[2]}+00:00").timestamp()
    for found in RESET.finditer(text):
        if found["hour"] or found["day"]:
            return _instant(found, now)
    for found in WAIT.finditer(text):
        if any(found.groups()):
            return now + _seconds(found)
    return None


def _plan_resets_at(info: Event) -> float:
    """Returns when the last of the plan's rejected windows resets; 0 if unknown.

    With `overage` as the type, `resetsAt` is not that of the plan.
    """
    named = number(info, "resetsAt")
    told = 0 if info.get("rateLimitType") == OVERAGE else named
    return max((told, *_rejected_windows(info))) or named


def _rejected_windows(info: Event) -> Iterator[float]:
    windows = child(info, "unifiedWindows")
    for name in PLAN_WINDOWS:
        window = child(windows, name)
        if window.get("status") == "rejected":
            yield number(window, "resetsAt")


def _seconds(found: re.Match[str]) -> float:
    return sum(
        float(re.sub(r"[^\d.]", "", found[unit])) * size
        for unit, size in UNITS.items()
        if found[unit]
    )


def _instant(found: re.Match[str], now: float) -> float | None:
    """Returns the next instant of the date and time found, in their zone; None if invalid."""
    try:
        today = datetime.fromtimestamp(now, _zone(found["zone"]))  # default: this machine's zone
        at = today.replace(
            hour=_hour(found), minute=int(found["minute"] or 0), second=0, microsecond=0, fold=0
        )
        if not found["day"]:
            return (at if at > today - MINUTE else at + DAY).timestamp()
        at = at.replace(
            year=int(found["year"] or today.year),
            month=MONTHS.index(found["month"].lower()) + 1,
            day=int(found["day"]),
        )
        if not found["year"] and at < today - DAY:
            at = at.replace(year=at.year + 1)
        return at.timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _hour(found: re.Match[str]) -> int:
    """Returns the hour of the day in the 24-hour clock.

    Raises:
        ValueError: a 12-hour time has an hour above 12.
    """
    hour = int(found["hour"] or 0)
    if found["half"]:
        if hour > NOON:
            raise ValueError(hour)
        return hour % NOON + (NOON if found["half"].lower() == "pm" else 0)
    return hour


def _zone(name: str | None) -> tzinfo | None:
    """Returns the time zone of a name; None, which means the local zone, without a name.

    Raises:
        ValueError: this machine does not know the zone.
    """
    if name is None:
        return None
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(name) from error
