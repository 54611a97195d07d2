"""Renders validation errors of settings as messages for the operator."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from modegate.entrypoints.config.cross_field import CrossFieldError, CrossFieldValueError
from modegate.entrypoints.config.settings import Settings

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
    """Yields one line per error: invalid values first, then cross-field errors of the valid ones.

    `shown` maps each name to its written form and its source; other settings have their default.
    """
    wrong = {str(fault["loc"][0]) for fault in _details(error) if fault["loc"]}
    for fault in _details(error):
        if fault["loc"]:
            yield _line(str(fault["loc"][0]), _words(fault), shown)
    right = {name: value for name, value in values.items() if name not in wrong}
    for misfit in _misfits(right):
        if not wrong & misfit.needs:
            yield _line(misfit.name, misfit.message, shown)


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def _line(name: str, message: str, shown: Mapping[str, tuple[str, str]]) -> str:
    written, source = shown.get(name, (name, "default"))
    return f"{written}: {message} (from {source})"


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
    message = _message(str(name), fault, whole=not within)
    return f"{_place(within[0])} {message}" if within else message


def _place(within: int | str) -> str:
    return f"entry {within + 1}" if isinstance(within, int) else f"{within!r}"


def _message(name: str, fault: ErrorDetails, *, whole: bool) -> str:
    field = Settings.model_fields[name]
    kind = fault["type"]
    if kind.startswith("bool_"):
        auto = "auto, " if type(None) in get_args(field.annotation) else ""
        return f"must be {auto}true or false (or 1, 0, yes, no)"
    if kind == "literal_error":
        return f"must be {_expected(fault).replace(chr(39), '')}"
    if whole and (bounds := _bounds(field.metadata)):
        return f"must be a whole number, {bounds}"
    return WORDS.get(kind) or fault["msg"].removeprefix("Value error, ")


def _expected(fault: ErrorDetails) -> str:
    return str(fault.get("ctx", {}).get("expected", ""))


def _bounds(metadata: list[Any]) -> str:
    """Returns the minimum and maximum of a field as text; empty if it has no bounds."""
    bounds = {
        name: getattr(it, name) for it in metadata for name in ("ge", "le") if hasattr(it, name)
    }
    return f"{bounds['ge']} to {bounds['le']}" if bounds else ""
