"""The tables `[dialects.NAME]`: the defaults of requests in one dialect."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import PlainValidator
from pydantic_core import ErrorDetails

from modegate.application.keys import fields
from modegate.domain.dialect_name import DialectName
from modegate.entrypoints.config.foreign_variables import nearest
from modegate.entrypoints.config.table_errors import NAME_OF_ROW, NO_TABLE, UNKNOWN_KEY
from modegate.entrypoints.config.upstreams.description import NOTHING
from modegate.entrypoints.config.upstreams.places import written
from modegate.entrypoints.config.upstreams.tables import Table

DIALECTS = "dialects"
NAMES = ", ".join(DialectName)
UNKNOWN_NAME = "enum"


class DialectSettings(Table):
    """A table `[dialects.NAME]`."""

    mode: Annotated[str, PlainValidator(fields.read_mode)] | None = None


Dialects = dict[DialectName, DialectSettings]


def describe_dialects(
    dialects: Mapping[DialectName, DialectSettings], source: str
) -> Iterator[tuple[str, str, str]]:
    """Yields the place of each value, the value as text, and its source."""
    for name, table in dialects.items():
        yield written((DIALECTS, str(name), "mode")), table.mode or NOTHING, source


def fault_of(fault: ErrorDetails) -> tuple[str, str | None]:
    """Returns the place of a faulty value and its message, None for a message that is the usual one."""
    place = tuple(part for part in fault["loc"] if part != NAME_OF_ROW)
    message = None
    if fault["type"] == UNKNOWN_KEY:
        known = {name: name for name in DialectSettings.model_fields}
        message = f"unknown key{nearest(str(place[-1]), known)}"
    elif fault["type"] == UNKNOWN_NAME:
        message = f"is no dialect: use one of {NAMES}"
    elif fault["type"] in NO_TABLE:
        message = f"must be a table, like [{DIALECTS}.{DialectName.MESSAGES}]"
    return written(place), message
