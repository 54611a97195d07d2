"""Makes rows storable whose values a database refuses."""

from modegate.domain.text import replace_lone_surrogates
from modegate.domain.usage.row import UsageRow

MAX_INTEGER = 2**53


def cleaned(row: UsageRow) -> UsageRow:
    """Returns the row without lone surrogates and NUL, and with integers of at most 2**53."""
    return UsageRow._make((row.id, *map(_cleaned, row[1:])))


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return replace_lone_surrogates(value).replace("\0", "?")
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(value, 0), MAX_INTEGER)
    return value
