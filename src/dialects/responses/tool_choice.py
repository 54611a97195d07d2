"""Parses which tools may be called in a response."""

from collections.abc import Iterator, Mapping, Sequence

from modegate.dialects.responses.tools import DeclaredTool, Form, flat_name
from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.tools.client_tool import Calling, ToolOffer

MODES = {"auto": Calling.AUTO, "none": Calling.NONE, "required": Calling.REQUIRED}
CHOICE = "tool_choice"
NOTHING: frozenset[str] = frozenset()
KINDS = "auto, none, required, or an object with a type"


def parse_offer(declared: Sequence[DeclaredTool], params: Mapping[str, object]) -> ToolOffer | None:
    """Returns the offer of the client's tools; None if it has none.

    Raises:
        InvalidRequestError: if `tool_choice` is invalid.
        UnsupportedParameterError: if it demands a tool that the client does not run.
    """
    tools = tuple(it.tool for it in declared if it.tool is not None)
    calling, wanted = _choice(params.get(CHOICE), declared)
    hosted = [it.name for it in declared if it.form is Form.HOSTED]
    if calling is Calling.REQUIRED and wanted is None and hosted:
        raise dialects.unavailable_tool(hosted[0])
    if calling is Calling.REQUIRED and (not tools or wanted == NOTHING):
        raise dialects.no_tools()
    if wanted == NOTHING:  # only hosted tools are allowed, or none at all
        calling, wanted = Calling.NONE, None
    parallel = params.get("parallel_tool_calls")
    if not isinstance(parallel, bool | None):
        raise parameters.wrong_type("parallel_tool_calls", "true or false")
    return ToolOffer(tools, calling, wanted, parallel is not False) if tools else None


def _choice(
    choice: object, declared: Sequence[DeclaredTool]
) -> tuple[Calling, frozenset[str] | None]:
    if choice is None:
        return Calling.AUTO, None
    if isinstance(choice, str) and choice in MODES:
        return MODES[choice], None
    if not isinstance(choice, Mapping) or not isinstance(choice.get("type"), str):
        raise parameters.wrong_type(CHOICE, KINDS)
    if choice["type"] != "allowed_tools":
        return Calling.REQUIRED, frozenset({_wanted(choice, declared)})
    mode, allowed = choice.get("mode", "auto"), choice.get("tools")
    if mode not in ("auto", "required") or not isinstance(allowed, list):
        raise parameters.wrong_type(CHOICE, "a mode, auto or required, and a list of tools")
    return MODES[mode], frozenset(_allowed(allowed, declared))


def _allowed(allowed: Sequence[object], declared: Sequence[DeclaredTool]) -> Iterator[str]:
    """Yields the names of the functions; hosted ones are left out, as in `tools`."""
    for it in allowed:
        if not isinstance(it, Mapping):
            raise parameters.wrong_type(CHOICE, "a list of tools")
        if it.get("type") in ("function", "custom"):
            yield _wanted(it, declared)


def _wanted(choice: Mapping[str, object], declared: Sequence[DeclaredTool]) -> str:
    name, namespace = choice.get("name"), choice.get("namespace")
    wanted = name if isinstance(name, str) else str(choice["type"])
    flat = flat_name(wanted, namespace if isinstance(namespace, str) else None)
    if all(it.tool is None or it.tool.name != flat for it in declared):
        raise dialects.unavailable_tool(wanted)
    return flat
