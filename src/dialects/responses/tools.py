"""The tools of a request for a response: as functions, and back to what the client declared.

The CLI knows functions only. A custom tool becomes a function with one text, and a function of a
namespace one whose name begins with that of the namespace.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from modegate.domain.errors.catalogue import parameters
from modegate.domain.tools.checks import (
    check_count,
    check_description,
    check_name,
    check_schema,
    check_strict,
    check_unique,
)
from modegate.domain.tools.client_tool import ClientTool
from modegate.lazy_dataclass import dataclass

INPUT = "input"
# Of Responses; chat completions take 64.
MAX_NAME_CHARACTERS = 128
ONE_TEXT: Mapping[str, object] = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}
GRAMMAR = "The text has to follow this grammar"


class Form(Enum):
    """How the client declared a tool."""

    FUNCTION = auto()
    CUSTOM = auto()
    HOSTED = auto()  # the provider's servers run it


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A tool as the client declared it; `tool` is what the model is told of, unless it is hosted.

    `name` is the client's own, inside of `namespace` if there is one.
    """

    form: Form
    name: str
    namespace: str | None = None
    tool: ClientTool | None = None


def flat_name(name: str, namespace: str | None) -> str:
    """Returns the name of the function that the model calls."""
    return name if namespace is None else f"{namespace}__{name}"


def declared_tools(raw: object) -> list[DeclaredTool]:
    """Returns the tools of the field `tools`.

    Raises:
        InvalidRequestError: if a value is invalid; `param` names it: `tools[2].name`.
    """
    if not isinstance(raw, list | None):
        raise parameters.wrong_type("tools", "a list")
    declared = [tool for i, it in enumerate(raw or ()) for tool in _declared(it, f"tools[{i}]")]
    check_count([*declared], "tools")
    check_unique((it.tool for it in declared if it.tool is not None), "tools")
    return declared


def by_flat_name(tools: list[DeclaredTool]) -> Mapping[str, DeclaredTool]:
    """Returns the client's tools by the names of their functions."""
    return {it.tool.name: it for it in tools if it.tool is not None}


def _declared(raw: object, where: str, namespace: str | None = None) -> Iterator[DeclaredTool]:
    if not isinstance(raw, Mapping):
        raise parameters.wrong_type(where, "an object")
    kind = raw.get("type")
    if not isinstance(kind, str):
        raise parameters.wrong_type(f"{where}.type", "a string")
    if kind == "namespace" and namespace is None:
        tools, name = raw.get("tools"), _name(raw, where)
        if not isinstance(tools, list | None):
            raise parameters.wrong_type(f"{where}.tools", "a list")
        for i, it in enumerate(tools or ()):
            yield from _declared(it, f"{where}.tools[{i}]", name)
    elif kind == "function":
        yield _function(raw, where, namespace)
    elif kind == "custom":
        yield _custom(raw, where, namespace)
    else:
        yield DeclaredTool(Form.HOSTED, kind, namespace)


def _function(raw: Mapping[str, object], where: str, namespace: str | None) -> DeclaredTool:
    name = _name(raw, where)
    tool = ClientTool(
        flat_name(name, namespace),
        check_description(raw.get("description"), f"{where}.description"),
        check_schema(raw.get("parameters"), f"{where}.parameters"),
        check_strict(raw.get("strict"), f"{where}.strict"),
    )
    return DeclaredTool(Form.FUNCTION, name, namespace, tool)


def _custom(raw: Mapping[str, object], where: str, namespace: str | None) -> DeclaredTool:
    name = _name(raw, where)
    told = check_description(raw.get("description"), f"{where}.description")
    form = raw.get("format")
    if isinstance(form, Mapping) and form.get("type") == "grammar":
        told += f"\n\n{GRAMMAR} ({form.get('syntax')}):\n{form.get('definition')}"
    tool = ClientTool(flat_name(name, namespace), told, ONE_TEXT)
    return DeclaredTool(Form.CUSTOM, name, namespace, tool)


def _name(raw: Mapping[str, object], where: str) -> str:
    return check_name(raw.get("name"), f"{where}.name", MAX_NAME_CHARACTERS)
