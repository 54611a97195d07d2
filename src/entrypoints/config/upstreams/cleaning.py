"""Cleans the values in the tables of upstreams."""

from collections.abc import Iterator, Mapping
from dataclasses import field

from modegate.entrypoints.config.upstreams.places import Place, written
from modegate.entrypoints.config.value_cleaning import clean
from modegate.lazy_dataclass import dataclass

# Blanks and quotes belong to a text that is searched in errors.
VERBATIM = frozenset({"contains"})


@dataclass(frozen=True, slots=True)
class CleanedTable:
    """A cleaned value with all within it, and the removed characters by place."""

    value: object = field(repr=False)
    removed: Mapping[str, tuple[str, ...]]


def clean_tables(value: object, place: Place) -> CleanedTable:
    """Cleans all texts; empty ones in a list count as absent."""
    removed: dict[str, tuple[str, ...]] = {}
    return CleanedTable(_cleaned(value, place, removed), removed)


def _cleaned(value: object, place: Place, removed: dict[str, tuple[str, ...]]) -> object:
    match value:
        case str() if place[-1] not in VERBATIM:
            found = clean(value)
            if found.removed:
                removed[written(place)] = found.removed
            return found.value
        case list():
            return [item for item in _items(value, place, removed) if item != ""]
        case dict():
            return {name: _cleaned(row, (*place, name), removed) for name, row in value.items()}
        case _:
            return value


def _items(
    items: list[object], place: Place, removed: dict[str, tuple[str, ...]]
) -> Iterator[object]:
    for index, item in enumerate(items):
        yield _cleaned(item, (*place, index), removed)
