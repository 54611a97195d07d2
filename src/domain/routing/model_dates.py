"""The release dates of Claude's models."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

# Dates of Anthropic's announcements. An alias has the date of the model that it selects in the CLI
# (measured with 2.1.329).
RELEASED: Mapping[str, str] = MappingProxyType(
    {
        "opus": "2026-09-21",
        "sonnet": "2026-09-28",
        "haiku": "2026-10-07",
        "fable": "2026-11-09",
        "claude-opus-5-5": "2026-09-21",
        "claude-sonnet-5-5": "2026-09-28",
        "claude-haiku-5-5": "2026-10-07",
        "claude-fable-5-2": "2026-11-09",
        "claude-fable-5-1": "2026-09-01",
        "claude-opus-5": "2026-07-24",
        "claude-sonnet-5": "2026-06-30",
        "claude-fable-5": "2026-06-09",
        "claude-opus-4-8": "2026-05-28",
        "claude-opus-4-7": "2026-04-16",
        "claude-sonnet-4-6": "2026-02-17",
        "claude-opus-4-6": "2026-02-05",
        "claude-haiku-4-5": "2025-10-01",  # from its full name
    }
)
DATED = re.compile(r"claude-.*-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\b")
# Other clouds add prefixes and suffixes to the name; the CLI accepts [1m] for a long context.
NAME = re.compile(r"(?:^|[./])(claude-[a-z]+-\d(?:-\d)?)(?![0-9])|^(opus|sonnet|haiku|fable)\b")


def released_at(cli_model: str) -> int:
    """Returns the model's release date in Unix seconds, or 0 if it is unknown."""
    lowered = cli_model.lower()
    if dated := DATED.search(lowered):
        return _seconds("-".join(dated.groups()))
    named = NAME.search(lowered)
    day = RELEASED.get(named[1] or named[2]) if named else None
    return _seconds(day) if day else 0


def _seconds(day: str) -> int:
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    except ValueError:  # invalid, such as 31 February
        return 0
