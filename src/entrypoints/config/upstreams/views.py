"""Tables as written, read so that values of a wrong type are skipped.

So all faults between values are found, although other values of the same table are wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field

from modegate.entrypoints.config.upstreams.places import Place, written
from modegate.lazy_dataclass import dataclass

UPSTREAMS = "upstreams"
# Values that count as absent.
EMPTY: tuple[object, ...] = ("", [], (), {})


@dataclass(frozen=True, slots=True)
class View:
    """A table and its place in the file."""

    place: Place
    row: Mapping[object, object] = field(repr=False)

    def at(self, *within: str | int) -> str:
        """Returns the name of a value of the table."""
        return written((*self.place, *within))

    def has(self, name: str) -> bool:
        """Whether the value is set and not empty, be it right or wrong."""
        return self.row.get(name) not in (None, *EMPTY)

    def text(self, name: str) -> str | None:
        """Returns a text, or None."""
        value = self.row.get(name)
        return value if isinstance(value, str) else None

    def texts(self, name: str) -> Iterator[tuple[int, str]]:
        """Yields the texts of a list with their indexes."""
        value = self.row.get(name)
        items = value.split(",") if isinstance(value, str) else value
        for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
            if isinstance(item, str):
                yield index, item.strip()

    def pairs(self, name: str) -> Iterator[tuple[str, object]]:
        """Yields the rows of a table with text names."""
        value = self.row.get(name)
        for key, item in (value if isinstance(value, dict) else {}).items():
            if isinstance(key, str):
                yield key, item

    def rows(self, name: str) -> Iterator["View"]:
        """Yields the tables of a list."""
        value = self.row.get(name)
        for index, item in enumerate(value if isinstance(value, list | tuple) else ()):
            if isinstance(item, dict):
                yield View((*self.place, name, index), item)


def upstream_views(upstreams: object) -> list[tuple[str, View]]:
    """Returns each upstream's name with its table."""
    return [
        (name, View((UPSTREAMS, name), table))
        for name, table in View((), {UPSTREAMS: upstreams}).pairs(UPSTREAMS)
        if isinstance(table, dict)
    ]
