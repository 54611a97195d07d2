"""Reads the cleaned values of settings from the environment and from a file."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from typing import get_origin

from modegate.entrypoints.config.budget_types import BUDGET
from modegate.entrypoints.config.dialects import DIALECTS
from modegate.entrypoints.config.keys.tables import KEYS
from modegate.entrypoints.config.prices import PRICES
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.upstreams.cleaning import clean_tables
from modegate.entrypoints.config.upstreams.places import setting_of
from modegate.entrypoints.config.upstreams.views import UPSTREAMS
from modegate.entrypoints.config.value_cleaning import BYTE_ORDER_MARK, Cleaned, clean, clean_list
from modegate.lazy_dataclass import dataclass

# Tables cannot be written as environment variables.
ONLY_IN_FILE = frozenset({"models", BUDGET, PRICES, UPSTREAMS, KEYS, DIALECTS})
# Tables within tables.
NESTED = (UPSTREAMS, PRICES, KEYS, DIALECTS)
NAMES = frozenset(Settings.model_fields)
LISTS = frozenset(
    name for name, it in Settings.model_fields.items() if get_origin(it.annotation) is tuple
)


@dataclass(frozen=True, slots=True)
class RawSettings:
    """Cleaned values that are not empty, and the kinds of characters removed, by setting."""

    values: Mapping[str, object] = field(repr=False)
    removed: Mapping[str, tuple[str, ...]]

    def without(self, names: Collection[str]) -> "RawSettings":
        """Returns the values without some settings and all within them."""
        return RawSettings(
            {name: it for name, it in self.values.items() if name not in names},
            {name: it for name, it in self.removed.items() if setting_of(name) not in names},
        )


def from_environment(environment: Mapping[str, str]) -> RawSettings:
    """Returns the variables that are settings; empty ones count as unset."""
    found = {name: environment.get(name.upper()) for name in NAMES - ONLY_IN_FILE}
    return _cleaned({name: value for name, value in found.items() if value})


def from_file(table: Mapping[str, object]) -> RawSettings:
    """Returns the keys that are settings; empty text counts as unset."""
    found = {name: value for name, value in table.items() if name in NAMES}
    tables = {name: clean_tables(found.pop(name, {}), (name,)) for name in NESTED}
    cleaned = _cleaned(found)
    nested = {name: it.value for name, it in tables.items() if it.value not in ("", [], {})}
    removed = {place: gone for it in tables.values() for place, gone in it.removed.items()}
    return RawSettings({**cleaned.values, **nested}, {**cleaned.removed, **removed})


def marked_names(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields variable names with a byte order mark or surrounding blanks, and the intended names.

    They come from the first line of an environment file that starts with a byte order mark.
    """
    for name in environment:
        meant = name.strip().strip(BYTE_ORDER_MARK).strip()
        if meant not in {name, *environment} and meant.lower() in NAMES - ONLY_IN_FILE:
            yield name, meant


def _cleaned(found: Mapping[str, object]) -> RawSettings:
    values: dict[str, object] = {}
    removed: dict[str, tuple[str, ...]] = {}
    for name, value in found.items():
        kept, gone = _cleaned_value(name, value)
        if gone:
            removed[name] = gone
        if kept not in ("", []):
            values[name] = kept
    return RawSettings(values, removed)


def _cleaned_value(name: str, value: object) -> tuple[object, tuple[str, ...]]:
    match value:
        case str() if name in LISTS:
            return clean_list(value)
        case str():
            one = clean(value)
            return one.value, one.removed
        case list():
            items = [_cleaned_value("", item) for item in value]
            kept = [item for item, _ in items if item != ""]
            return kept, _each_once(gone for _, gone in items)
        case dict() if name in ONLY_IN_FILE:
            return _cleaned_rows(value)
        case _:
            return value, ()


def _cleaned_rows(table: dict[str, object]) -> tuple[object, tuple[str, ...]]:
    """A table whose names and values are cleaned; where two names become one, both stay."""
    names = {name: clean(name) for name in table}
    if len({it.value for it in names.values()}) < len(table):
        names = {name: Cleaned(name) for name in table}
    rows = {name: _cleaned_value("", row) for name, row in table.items()}
    kept = {names[name].value: row for name, (row, _) in rows.items()}
    return kept, _each_once([it.removed for it in names.values()] + [it for _, it in rows.values()])


def _each_once(found: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(it for gone in found for it in gone))
