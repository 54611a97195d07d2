"""Questions to the usage ledger that it cannot answer."""

import re
from collections.abc import Sequence

from modegate.domain.errors.request_errors import InvalidRequestError

FROM, TO = "from", "to"
GROUP_BY = "group_by"
# Any other name may hold whatever a client put into its address.
PARAMETER = re.compile(r"[a-z][a-z_]{0,30}", re.ASCII)
TIMES = "a date such as 2026-11-01 (UTC), an RFC 3339 time such as 2026-11-01T00:00:00Z, or Unix seconds"


def wrong_time(name: str) -> InvalidRequestError:
    """Returns the error for a value that is no time."""
    return InvalidRequestError(f"'{name}' must be {TIMES}.", param=name)


def empty_range() -> InvalidRequestError:
    """Returns the error for an end that is not after the beginning."""
    return InvalidRequestError(
        "'to' must be later than 'from', which is 30 days earlier by default.", param=TO
    )


def wrong_choice(name: str, choices: Sequence[str]) -> InvalidRequestError:
    """Returns the error for a value that is none of the choices."""
    return InvalidRequestError(f"'{name}' must be one of {', '.join(choices)}.", param=name)


def wrong_groups(choices: Sequence[str]) -> InvalidRequestError:
    """Returns the error for groups that do not exist, or are given twice."""
    return InvalidRequestError(
        f"'group_by' must be one or several of {', '.join(choices)}, separated by commas, each once.",
        param=GROUP_BY,
    )


def wrong_status() -> InvalidRequestError:
    """Returns the error for a status that is neither a number nor a class."""
    return InvalidRequestError(
        "'status' must be a status such as 429, or a class such as 4xx or 5xx.", param="status"
    )


def wrong_limit(most: int) -> InvalidRequestError:
    """Returns the error for a limit that is no number, or out of bounds."""
    return InvalidRequestError(f"'limit' must be a whole number from 1 to {most}.", param="limit")


def no_value(name: str, longest: int) -> InvalidRequestError:
    """Returns the error for a value that is empty, too long, or given several times."""
    return InvalidRequestError(
        f"'{name}' must be given once, with 1 to {longest} characters.", param=name
    )


def unknown_parameter(name: str, known: Sequence[str]) -> InvalidRequestError:
    """Returns the error for a query parameter that does not exist; `known` are those that do."""
    is_plain = PARAMETER.fullmatch(name) is not None
    shown = f"'{name}'" if is_plain else "A parameter of the query"
    return InvalidRequestError(
        f"{shown} is not known here: use only {', '.join(known)}.", param=name if is_plain else None
    )


def too_many_groups(most: int) -> InvalidRequestError:
    """Returns the error for an answer of more than `most` groups."""
    return InvalidRequestError(
        f"There are more than {most} groups: choose a shorter time between 'from' and 'to', or fewer "
        "groups.",
        param=GROUP_BY,
    )


def too_slow(seconds: float) -> InvalidRequestError:
    """Returns the error for an answer that takes more than `seconds`."""
    return InvalidRequestError(
        f"There are so many requests that the answer takes more than {seconds:.0f} s: choose a later "
        "begin.",
        param=FROM,
    )
