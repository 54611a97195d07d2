"""The time that an upstream asks a client to wait, from its response headers."""

import email.utils
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

# The limits of OpenAI's API: requests and tokens, as in `x-ratelimit-reset-tokens`.
RESET = "x-ratelimit-reset-"
REMAINING = "x-ratelimit-remaining-"
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# A larger number is a time in Unix seconds, not a duration.
SMALLEST_UNIX_TIME = 1e9


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Returns the delay in seconds of `Retry-After` or `retry-after-ms`; None without a valid one.

    `headers` has lower-case names. `now` is in Unix seconds, for a date.
    """
    readers: tuple[tuple[str, Callable[[str], float]], ...] = (
        ("retry-after-ms", lambda value: float(value) / 1000),
        ("retry-after", float),
        ("retry-after", lambda value: _unix_seconds(value) - now),
    )
    for name, read in readers:
        with suppress(KeyError, ValueError, OverflowError, TypeError):
            wait = read(headers[name])
            if math.isfinite(wait):
                return max(0.0, wait)
    return None


def wait_asked_s(headers: Mapping[str, str], now: float) -> float | None:
    """Returns the delay in seconds that the headers ask for; None if they name none.

    Without `Retry-After`, it is the reset of the limit with nothing remaining, else the later one.
    """
    asked = retry_after_s(headers, now)
    if asked is not None:
        return asked
    resets = {
        name.removeprefix(RESET): wait
        for name, value in headers.items()
        if name.startswith(RESET) and (wait := _duration_s(value, now)) is not None
    }
    spent = [
        wait for name, wait in resets.items() if headers.get(REMAINING + name, "").strip() == "0"
    ]
    return max(spent or resets.values(), default=None)


def _duration_s(text: str, now: float) -> float | None:
    """Reads a duration such as `6m0s` or `120ms`, seconds, Unix seconds or a date."""
    value = text.strip().lower()
    if DURATION.fullmatch(value):
        return sum(float(number) * SECONDS[unit] for number, unit in PART.findall(value))
    with suppress(ValueError, OverflowError):
        seconds = float(value)
        if not math.isfinite(seconds):
            return None
        return max(0.0, seconds - now if seconds >= SMALLEST_UNIX_TIME else seconds)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, _unix_seconds(text) - now)
    return None


def _unix_seconds(date: str) -> float:
    with suppress(ValueError, TypeError):
        return email.utils.parsedate_to_datetime(date).timestamp()
    return datetime.fromisoformat(date.strip()).timestamp()
