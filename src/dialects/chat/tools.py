"""Parses the client's tools: `tools`, and `functions` of the older form."""

from collections.abc import Mapping

from modegate.dialects.chat.tool_choice import Choice, parse_function_call, parse_tool_choice
from modegate.domain.errors.catalogue import tools as errors
from modegate.domain.parameters.json_patterns import is_empty
from modegate.domain.tools.checks import (
    check_count,
    check_description,
    check_name,
    check_schema,
    check_strict,
    check_unique,
)
from modegate.domain.tools.client_tool import ClientTool, ToolOffer
from modegate.domain.tools.free_text import free_text_tool

TOOLS, FUNCTIONS = "tools", "functions"


def parse_tools(params: Mapping[str, object]) -> ToolOffer | None:
    """Returns what the client offers to the model; None if it has no tools.

    Raises:
        MissingParameterError: if a tool lacks its type, function or name.
        InvalidRequestError: if a value is invalid; `param` names it: `tools[2].function.name`.
    """
    tools, functions = _tools(params), _functions(params)
    if tools and functions:
        raise errors.both_forms()
    choice = parse_tool_choice(params.get("tool_choice"), {it.name for it in tools})
    call = parse_function_call(params.get("function_call"), {it.name for it in functions})
    if tools:
        return _offer(tools, choice, parallel=params.get("parallel_tool_calls") is not False)
    return _offer(functions, call, parallel=False, legacy=True) if functions else None


def _offer(
    tools: tuple[ClientTool, ...], choice: Choice, *, parallel: bool, legacy: bool = False
) -> ToolOffer:
    names = None if choice.names is None else frozenset(choice.names)
    return ToolOffer(tools, choice.calling, names, parallel=parallel, legacy=legacy)


def _tools(params: Mapping[str, object]) -> tuple[ClientTool, ...]:
    raw = _list(params, TOOLS)
    tools = tuple(_tool(it, f"{TOOLS}[{i}]") for i, it in enumerate(raw))
    check_unique(tools, TOOLS)
    return tools


def _functions(params: Mapping[str, object]) -> tuple[ClientTool, ...]:
    raw = _list(params, FUNCTIONS)
    tools = tuple(_function(it, f"{FUNCTIONS}[{i}]") for i, it in enumerate(raw))
    check_unique(tools, FUNCTIONS)
    return tools


def _list(params: Mapping[str, object], field: str) -> list[object]:
    """Returns the items of a field; none if its value asks for nothing."""
    value = params.get(field)
    if value is False or is_empty(value):
        return []
    if not isinstance(value, list):
        raise errors.no_list(field)
    check_count(value, field)
    return value


def _tool(raw: object, where: str) -> ClientTool:
    if not isinstance(raw, Mapping):
        raise errors.no_object(where)
    kind = raw.get("type")
    if kind is None:
        raise errors.missing(f"{where}.type")
    if kind not in ("function", "custom"):
        raise errors.unknown_kind(f"{where}.type")
    described, inner = raw.get(kind), f"{where}.{kind}"
    if described is None and "name" in raw:  # as in the Responses API; some clients mix them
        described, inner = raw, where
    if described is None:
        raise errors.missing(inner)
    return _function(described, inner) if kind == "function" else _custom(described, inner)


def _function(raw: object, where: str) -> ClientTool:
    if not isinstance(raw, Mapping):
        raise errors.no_object(where)
    return ClientTool(
        check_name(raw.get("name"), f"{where}.name"),
        check_description(raw.get("description"), f"{where}.description"),
        check_schema(raw.get("parameters"), f"{where}.parameters"),
        check_strict(raw.get("strict"), f"{where}.strict"),
    )


def _custom(raw: object, where: str) -> ClientTool:
    if not isinstance(raw, Mapping):
        raise errors.no_object(where)
    name = check_name(raw.get("name"), f"{where}.name")
    description = check_description(raw.get("description"), f"{where}.description")
    form = raw.get("format")
    if not isinstance(form, Mapping | None):
        raise errors.no_object(f"{where}.format")
    return free_text_tool(name, description, _grammar(form or {}))


def _grammar(form: Mapping[str, object]) -> str:
    """Returns the definition of a grammar with its syntax, such as `lark`; empty for any text."""
    grammar = form.get("grammar", form)
    if form.get("type") != "grammar" or not isinstance(grammar, Mapping):
        return ""
    told = (grammar.get("syntax"), grammar.get("definition"))
    return "\n".join(it for it in told if isinstance(it, str))
