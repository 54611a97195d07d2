"""Parses `tool_choice`, and `function_call` of the older form."""

from collections.abc import Collection, Mapping

from modegate.domain.errors.catalogue import tools as errors
from modegate.domain.parameters.json_patterns import is_empty
from modegate.domain.tools.client_tool import Calling
from modegate.lazy_dataclass import dataclass

CALLINGS: Mapping[str, Calling] = {
    "auto": Calling.AUTO,
    "none": Calling.NONE,
    "required": Calling.REQUIRED,
}
MODES = ("auto", "required")
KINDS = ("function", "custom")
CHOICES = '"none", "auto", "required", or an object that names functions'
LEGACY_CHOICES = '"none", "auto", or an object with the name of a function'


@dataclass(frozen=True, slots=True)
class Choice:
    """What the model may, must or must not call; `names` limits it to some tools."""

    calling: Calling = Calling.AUTO
    names: tuple[str, ...] | None = None


def parse_tool_choice(value: object, names: Collection[str]) -> Choice:
    """Parses `tool_choice`; `names` are those of the request's tools, if it has any.

    Besides OpenAI's forms, a name alone is accepted, and `{"type": "auto"}` for `"auto"`.

    Raises:
        InvalidRequestError: if it is none of the forms, names an unknown tool, or needs a tool
            where there is none.
    """
    choice = _choice(value, names)
    if not names and (choice.calling is Calling.REQUIRED):
        raise errors.choice_without_tools("tool_choice", "tools")
    return _checked(choice, names, "tool_choice", "tools")


def parse_function_call(value: object, names: Collection[str]) -> Choice:
    """Parses `function_call`; `names` are those of `functions`.

    Raises:
        InvalidRequestError: as `parse_tool_choice`.
    """
    if _is_absent(value) or value == "auto":
        return Choice()
    if value == "none":
        return Choice(Calling.NONE)
    name = value.get("name") if isinstance(value, Mapping) else None
    if not isinstance(name, str):
        raise errors.wrong_choice("function_call", LEGACY_CHOICES)
    if not names:
        raise errors.choice_without_tools("function_call", "functions")
    return _checked(Choice(Calling.REQUIRED, (name,)), names, "function_call", "functions")


def _choice(value: object, names: Collection[str]) -> Choice:
    if _is_absent(value):
        return Choice()
    if isinstance(value, str):
        if value in CALLINGS:
            return Choice(CALLINGS[value])
        if value in names:
            return Choice(Calling.REQUIRED, (value,))
    if isinstance(value, Mapping):
        kind = value.get("type")
        if kind == "allowed_tools":
            return _allowed(value.get(kind, value), names)
        if isinstance(kind, str) and kind in CALLINGS:
            return Choice(CALLINGS[kind])
        if (name := _name(value)) is not None:
            return Choice(Calling.REQUIRED, (name,))
    raise errors.wrong_choice("tool_choice", CHOICES)


def _allowed(value: object, names: Collection[str]) -> Choice:
    mode = value.get("mode") if isinstance(value, Mapping) else None
    if not (isinstance(value, Mapping) and isinstance(mode, str) and mode in MODES):
        raise errors.wrong_choice("tool_choice", CHOICES)
    allowed = value.get("tools")
    if not names:
        return Choice(CALLINGS[mode])
    chosen = [_name(it) for it in allowed] if isinstance(allowed, list) else []
    known = tuple(name for name in chosen if name is not None)
    if not known or len(known) < len(chosen):
        raise errors.wrong_choice("tool_choice", CHOICES)
    return Choice(CALLINGS[mode], known)


def _name(value: object) -> str | None:
    """Returns the name in `{"type": "function", "function": {"name": …}}`, also without nesting."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not (isinstance(value, Mapping) and isinstance(kind, str) and kind in KINDS):
        return None
    named = value.get(kind, value)
    name = named.get("name") if isinstance(named, Mapping) else None
    return name if isinstance(name, str) else None


def _checked(choice: Choice, names: Collection[str], field: str, tools: str) -> Choice:
    for name in choice.names or ():
        if name not in names:
            raise errors.unknown_choice(field, tools, name)
    return choice


def _is_absent(value: object) -> bool:
    return value is False or is_empty(value)
