"""Parses the tools of a request for a message, and which of them may be called."""

from collections.abc import Mapping

from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.tools.checks import (
    check_count,
    check_description,
    check_name,
    check_schema,
    check_strict,
    check_unique,
)
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer
from modegate.lazy_dataclass import dataclass

# Claude Code sends it to keep the place of tools that it has not loaded yet.
PLACEHOLDER = "DeferredToolPlaceholder"
OWN_TYPES = (None, "custom")
TOOLS = "tools"
# Anthropic's API takes names that are twice as long as OpenAI's.
MAX_NAME_CHARACTERS = 128
CHOICES: Mapping[object, Calling] = {
    "auto": Calling.AUTO,
    "none": Calling.NONE,
    "any": Calling.REQUIRED,
    "tool": Calling.REQUIRED,
}


@dataclass(frozen=True, slots=True)
class ParsedTools:
    """The offer, None without tools; and the names of tools that only Anthropic's servers run."""

    offer: ToolOffer | None
    ignored: tuple[str, ...]


def parse_tools(params: Mapping[str, object]) -> ParsedTools:
    """Parses the fields `tools` and `tool_choice`.

    Raises:
        InvalidRequestError: if a value is invalid; `param` names it: `tools[2].name`.
        UnsupportedParameterError: if a tool is demanded that the client does not run.
    """
    raw = params.get(TOOLS)
    if not isinstance(raw, list | None):
        raise parameters.wrong_type(TOOLS, "a list")
    own: list[ClientTool] = []
    ignored: list[str] = []
    for i, it in enumerate(raw or ()):
        tool = _tool(it, f"tools[{i}]")
        if isinstance(tool, ClientTool):
            own.append(tool)
        elif tool != PLACEHOLDER:
            ignored.append(tool)
    check_count([*own], TOOLS)
    check_unique(own, TOOLS)
    offer = _offer(tuple(own), params.get("tool_choice"))
    if offer and offer.calling is Calling.REQUIRED and offer.callable is None and ignored:
        raise dialects.unavailable_tool(ignored[0])
    return ParsedTools(offer, tuple(ignored))


def _tool(raw: object, where: str) -> ClientTool | str:
    """Returns a tool of the client, or the name of another one."""
    if not isinstance(raw, Mapping):
        raise parameters.wrong_type(where, "an object")
    name = raw.get("name")
    if not isinstance(name, str) or not name:
        if raw.get("type") not in OWN_TYPES:
            return str(raw["type"])
        raise parameters.wrong_type(f"{where}.name", "a string")
    if raw.get("type") not in OWN_TYPES or name == PLACEHOLDER:
        return name
    schema = raw.get("input_schema")
    if schema is None:
        raise parameters.wrong_type(f"{where}.input_schema", "an object")
    return ClientTool(
        check_name(name, f"{where}.name", MAX_NAME_CHARACTERS),
        check_description(raw.get("description"), f"{where}.description"),
        check_schema(schema, f"{where}.input_schema"),
        check_strict(raw.get("strict"), f"{where}.strict"),
    )


def _offer(tools: tuple[ClientTool, ...], choice: object) -> ToolOffer | None:
    if not isinstance(choice, Mapping | None):
        raise parameters.wrong_type("tool_choice", "an object")
    kind = (choice or {}).get("type", "auto")
    if not isinstance(kind, str) or kind not in CHOICES:
        raise parameters.wrong_type("tool_choice.type", "auto, any, tool or none")
    calling = CHOICES[kind]
    if calling is Calling.REQUIRED and not tools:
        raise dialects.no_tools()
    if not tools:
        return None
    wanted = _wanted(tools, choice) if kind == "tool" and choice is not None else None
    parallel = (choice or {}).get("disable_parallel_tool_use") is not True
    return ToolOffer(tools, calling, wanted, parallel)


def _wanted(tools: tuple[ClientTool, ...], choice: Mapping[str, object]) -> frozenset[str]:
    name = choice.get("name")
    if not isinstance(name, str):
        raise parameters.wrong_type("tool_choice.name", "a string")
    if all(it.name != name for it in tools):
        raise dialects.unavailable_tool(name)
    return frozenset({name})
