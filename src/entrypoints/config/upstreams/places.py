"""The names of values in nested tables, as the operator finds them in the file."""

import re
from collections.abc import Iterator

from modegate.entrypoints.config.value_cleaning import printable

# Keys that TOML allows without quotes.
BARE = re.compile(r"[A-Za-z0-9_-]+")

Place = tuple[str | int, ...]


def written(place: Place) -> str:
    """Returns a place as text, such as `upstreams.kimi.credentials, entry 1, id`."""
    return "".join(_parts(place))


def setting_of(written_place: str) -> str:
    """Returns the setting to which a written place belongs."""
    return re.split("[.,]", written_place, maxsplit=1)[0]


def _parts(place: Place) -> Iterator[str]:
    in_entry = False
    for number, part in enumerate(place):
        if isinstance(part, int):
            yield f", entry {part + 1}"
        else:
            yield ("", ".", ", ")[0 if number == 0 else 1 + in_entry]
            yield part if BARE.fullmatch(part) else f'"{printable(part)}"'
        in_entry = isinstance(part, int)
