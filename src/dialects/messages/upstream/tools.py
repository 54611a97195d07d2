"""Encodes the client's tools, and which of them may be called."""

from collections.abc import Mapping

from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer

Object = dict[str, object]

CHOICES = {Calling.AUTO: "auto", Calling.NONE: "none", Calling.REQUIRED: "any"}


def encode_tools(offer: ToolOffer) -> Object:
    """Returns the fields of a request that offer tools; defaults are left out.

    Of a choice among several tools, only these are offered: the API knows no such choice. `strict`
    is left out, because the API takes it for at most 20 tools, and rejects many schemas then.
    """
    named = _named(offer)
    tools = offer.tools if named or offer.calling is Calling.NONE else offer.offered
    choice: Object = {"type": "tool", "name": named} if named else {"type": CHOICES[offer.calling]}
    if not offer.parallel and offer.calling is not Calling.NONE:
        choice["disable_parallel_tool_use"] = True
    fields: Object = {"tools": [_tool(it) for it in tools]}
    return fields if choice == {"type": "auto"} else fields | {"tool_choice": choice}


def demands_call(offer: ToolOffer | None) -> bool:
    """Returns whether the model has to call a tool, which the API does not allow with thinking."""
    return offer is not None and offer.calling is Calling.REQUIRED


def _named(offer: ToolOffer) -> str | None:
    """Returns the only tool that has to be called; None if there are others."""
    if offer.calling is not Calling.REQUIRED or offer.callable is None or len(offer.callable) > 1:
        return None
    return next(iter(offer.callable), None)


def _tool(tool: ClientTool) -> Object:
    described: Object = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **described, "input_schema": _schema(tool.parameters)}


def _schema(schema: Mapping[str, object]) -> Mapping[str, object]:
    """Returns a schema with the type that the API demands."""
    return schema if schema.get("type") == "object" else {**schema, "type": "object"}
