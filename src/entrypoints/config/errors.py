"""Renders validation errors of settings as messages for the operator."""

from collections.abc import Iterator, Mapping
from typing import get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from modegate.entrypoints.config import dialects
from modegate.entrypoints.config import table_errors as tables
from modegate.entrypoints.config.cross_field import CrossFieldError, CrossFieldValueError
from modegate.entrypoints.config.keys.tables import KEYS
from modegate.entrypoints.config.prices import PRICES, fault_of
from modegate.entrypoints.config.settings import OF_UPSTREAMS, Settings
from modegate.entrypoints.config.upstreams.checks import upstream_faults
from modegate.entrypoints.config.upstreams.places import setting_of
from modegate.entrypoints.config.upstreams.views import UPSTREAMS

NESTED = frozenset({UPSTREAMS, KEYS})
# By pydantic's error type; fields with bounds get a message with their bounds instead.
WORDS = {
    "string_type": "must be text, in quotes",
    "string_unicode": "must be text in UTF-8",
    "dict_type": 'must be a table, like [models] and rows like "our-model" = "opus" below it',
    "tuple_type": "must be a list",
    "path_type": "must be the path of a folder",
}


def fault_lines(
    error: ValidationError, values: Mapping[str, object], shown: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    """Yields one line per error: invalid values first, then errors between values.

    `shown` maps each name to its written form and its source; other settings have their default.
    """
    wrong = {str(fault["loc"][0]) for fault in _details(error) if fault["loc"]}
    for fault in _details(error):
        if fault["loc"]:
            yield _fault_line(fault, values, shown)
    alone = wrong | OF_UPSTREAMS
    right = {name: value for name, value in values.items() if name not in alone}
    # Wrong values in the tables of upstreams do not hide the errors between the others.
    for misfit in (*_misfits(right), *upstream_faults(values)):
        if not wrong & (misfit.needs | {misfit.name}):
            yield misfit_line(misfit, shown)


def misfit_line(misfit: CrossFieldError, shown: Mapping[str, tuple[str, str]]) -> str:
    """Returns the line of an error between values."""
    return _line(misfit.name, misfit.message, shown)


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def _fault_line(
    fault: ErrorDetails, values: Mapping[str, object], shown: Mapping[str, tuple[str, str]]
) -> str:
    name = str(fault["loc"][0])
    if name == PRICES:
        place, message = fault_of(fault, values.get(PRICES))
        return _line(place, message or _message(None, fault), shown)
    if name == dialects.DIALECTS:
        place, message = dialects.fault_of(fault)
        return _line(place, message or _message(None, fault), shown)
    if name not in NESTED:
        return _line(name, _words(fault), shown)
    if fault["type"] == tables.UNKNOWN_KEY:
        return tables.unknown_key(fault, _source(name, shown))
    message = tables.message_of(fault) or _message(tables.field_of(fault), fault)
    return _line(tables.place_of(fault), message, shown)


def _line(name: str, message: str, shown: Mapping[str, tuple[str, str]]) -> str:
    written, _ = shown.get(name, (name, ""))
    return f"{written}: {message} (from {_source(name, shown)})"


def _source(name: str, shown: Mapping[str, tuple[str, str]]) -> str:
    return shown.get(setting_of(name), ("", "default"))[1]


def _misfits(values: Mapping[str, object]) -> tuple[CrossFieldError, ...]:
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        for fault in _details(error):
            between = fault.get("ctx", {}).get("error")
            if isinstance(between, CrossFieldValueError):
                return between.misfits
    return ()


def _words(fault: ErrorDetails) -> str:
    name, *within = fault["loc"]
    message = _message(None if within else Settings.model_fields[str(name)], fault)
    return f"{_place(within[0])} {message}" if within else message


def _place(within: int | str) -> str:
    return f"entry {within + 1}" if isinstance(within, int) else f"{within!r}"


def _message(field: FieldInfo | None, fault: ErrorDetails) -> str:
    """Returns the message for a value of a field; None for one within a list or a table."""
    kind = fault["type"]
    if kind.startswith("bool_"):
        is_auto = field is not None and type(None) in get_args(field.annotation)
        return f"must be {'auto, ' if is_auto else ''}true or false (or 1, 0, yes, no)"
    if kind in {"literal_error", "enum"}:
        return f"must be {_expected(fault).replace(chr(39), '')}"
    if field is not None and (bounds := _bounds(field)):
        return f"must be a whole number, {bounds}"
    return WORDS.get(kind) or fault["msg"].removeprefix("Value error, ")


def _expected(fault: ErrorDetails) -> str:
    return str(fault.get("ctx", {}).get("expected", ""))


def _bounds(field: FieldInfo) -> str:
    """Returns the minimum and maximum of a field as text; empty if it has no bounds."""
    metadata = field.metadata
    for kind in get_args(field.annotation):  # those of a field that may be None
        metadata = [*metadata, *getattr(kind, "__metadata__", ())]
    constraints = [*metadata, *(it for info in metadata for it in getattr(info, "metadata", ()))]
    bounds = {
        name: getattr(it, name) for it in constraints for name in ("ge", "le") if hasattr(it, name)
    }
    return f"{bounds['ge']} to {bounds['le']}" if bounds else ""
