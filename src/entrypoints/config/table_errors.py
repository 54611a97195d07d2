"""Places and messages of invalid values in the tables of keys and upstreams."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from modegate.entrypoints.config.foreign_variables import nearest
from modegate.entrypoints.config.keys.tables import KEYS, KeySettings
from modegate.entrypoints.config.upstreams.places import Place, written
from modegate.entrypoints.config.upstreams.tables import (
    CredentialSettings,
    ErrorRuleSettings,
    UpstreamSettings,
)

# pydantic's mark of an error in the name of a row.
NAME_OF_ROW = "[key]"
UNKNOWN_KEY = "extra_forbidden"
NO_TABLE = frozenset({"dict_type", "model_type", "model_attributes_type"})
ROWS: Mapping[object, type[BaseModel]] = MappingProxyType(
    {"credentials": CredentialSettings, "error_rules": ErrorRuleSettings}
)
# Lengths of places such as `("upstreams", "kimi", "credentials", 0, "id")`.
OF_LIST, IN_ROW = 3, 5


def place_of(fault: ErrorDetails) -> str:
    """Returns the place of a faulty value, as written."""
    return written(tuple(part for part in fault["loc"] if part != NAME_OF_ROW))


def message_of(fault: ErrorDetails) -> str | None:
    """Returns the message for a value that should be a table, a list of them or a file's path."""
    loc = fault["loc"]
    if fault["type"] == "path_type":
        return "must be the path of a file"
    if fault["type"] in NO_TABLE:
        example = (*loc, "NAME") if len(loc) == 1 else loc
        shown = "" if len(loc) >= OF_LIST else f", like [{written(example)}]"
        return f"must be a table{shown}"
    if fault["type"] == "tuple_type" and loc[-1] in ROWS:
        return f"must be a list of tables, like [[{written(loc)}]]"
    return None


def field_of(fault: ErrorDetails) -> FieldInfo | None:
    """Returns the field of a value, or None within a list or a table of texts."""
    loc = fault["loc"]
    return _table(loc).model_fields.get(str(loc[-1])) if len(loc) in {OF_LIST, IN_ROW} else None


def unknown_key(fault: ErrorDetails, source: str) -> str:
    """Returns the line for an unknown key, with the nearest one of the same table."""
    known = {name: name for name in _table(fault["loc"]).model_fields}
    return f"{place_of(fault)}: unknown key in {source}{nearest(str(fault['loc'][-1]), known)}"


def _table(loc: Place) -> type[BaseModel]:
    if loc[0] == KEYS:
        return KeySettings
    return ROWS.get(loc[OF_LIST - 1], UpstreamSettings) if len(loc) == IN_ROW else UpstreamSettings
