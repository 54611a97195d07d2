"""The tables `[prices."MODEL"]`: their values, faults, description and mapping to the domain."""

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import ErrorDetails

from modegate.domain.usage.prices import DatedPrice, Price, PriceTable
from modegate.entrypoints.config.foreign_variables import nearest
from modegate.entrypoints.config.table_errors import NAME_OF_ROW, NO_TABLE, UNKNOWN_KEY
from modegate.entrypoints.config.types import Text
from modegate.entrypoints.config.upstreams.places import written
from modegate.entrypoints.config.upstreams.tables import Table
from modegate.entrypoints.config.upstreams.types import pattern

PRICES = "prices"
MISSING = "missing"
EXAMPLE = f'[{PRICES}."gpt-4o*"]'
# Parts of places such as `("prices", "gpt-4o*", 0, "input")`.
INDEX_AT = 2


def _usd(value: object) -> object:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if not (math.isfinite(number) and number >= 0):
        raise ValueError("must be USD for a million tokens: a number of at least 0, like 2.5")
    return value


def _date(value: object) -> object:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        day = None
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ValueError(  # noqa: TRY004 - pydantic expects a `ValueError`
            "must be a date, like 2027-01-31; it begins at midnight in UTC"
        )
    return day


def _name(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return pattern(value)


def _rows(value: object) -> object:
    """Returns the rows of a model: a table is one row."""
    return [value] if isinstance(value, dict) else value


def _dated(rows: "tuple[PriceSettings, ...]") -> "tuple[PriceSettings, ...]":
    days = [row.since for row in rows]
    for day in days:
        if days.count(day) > 1:
            raise ValueError(f"has two rows from {day}" if day else "has two rows without from")
    return rows


Usd = Annotated[float, BeforeValidator(_usd)]


class PriceSettings(Table):
    """A row: USD for a million tokens, from a day on."""

    input: Usd
    output: Usd
    cached_input: Usd | None = None
    cache_write: Usd | None = None
    since: Annotated[date, BeforeValidator(_date)] | None = Field(default=None, alias="from")


Rows = Annotated[tuple[PriceSettings, ...], BeforeValidator(_rows), AfterValidator(_dated)]
Prices = dict[Annotated[Text, AfterValidator(_name)], Rows]


def price_table(prices: Mapping[str, tuple[PriceSettings, ...]]) -> PriceTable:
    """Returns the operator's prices."""
    return PriceTable({name: tuple(map(_dated_price, rows)) for name, rows in prices.items()})


def describe_prices(
    prices: Mapping[str, tuple[PriceSettings, ...]], source: str
) -> Iterator[tuple[str, str, str]]:
    """Yields the place of each row, the row as text, and its source."""
    for name, rows in prices.items():
        for index, row in enumerate(rows):
            place = (PRICES, name, index) if len(rows) > 1 else (PRICES, name)
            values = row.model_dump(by_alias=True, exclude_none=True)
            shown = ", ".join(f"{key} {value}" for key, value in values.items())
            yield written(place), shown, source


def fault_of(fault: ErrorDetails, values: object) -> tuple[str, str | None]:
    """Returns the place of a faulty value and its message, None for a message that is the usual one.

    `values` are the tables as they were written.
    """
    place = tuple(part for part in fault["loc"] if part != NAME_OF_ROW)
    keys = [field.alias or name for name, field in PriceSettings.model_fields.items()]
    message = None
    if fault["type"] == UNKNOWN_KEY:
        message = f"unknown key{nearest(str(place[-1]), {name: name for name in keys})}"
    elif fault["type"] == MISSING:
        message = "is missing: USD for a million tokens"
    elif fault["type"] in NO_TABLE or fault["type"] == "tuple_type":
        message = f"must be a table, like {EXAMPLE}"
    return written(_without_index(place, values)), message


def _without_index(place: tuple[str | int, ...], values: object) -> tuple[str | int, ...]:
    """Returns the place without the index of a row that was written as a table."""
    rows = values.get(place[1]) if isinstance(values, dict) and len(place) > INDEX_AT else None
    return (*place[:INDEX_AT], *place[INDEX_AT + 1 :]) if isinstance(rows, dict) else place


def _dated_price(row: PriceSettings) -> DatedPrice:
    price = Price(
        input=row.input,
        output=row.output,
        cached_input=row.cached_input,
        cache_write=row.cache_write,
    )
    return DatedPrice(price, row.since)
