"""Encodes the client's tools, and which of them may be called."""

from collections.abc import Mapping

from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer

Object = dict[str, object]


def encode_tools(offer: ToolOffer) -> Object:
    """Returns the fields of a request that offer tools; defaults are left out.

    A choice of several tools offers only these, because few servers know `allowed_tools`. Tools
    that must not be called stay, for the calls in the conversation.
    """
    tools = offer.tools if offer.calling is Calling.NONE else offer.offered
    fields: Object = {"tools": [_tool(it) for it in tools]}
    if offer.calling is Calling.NONE:
        fields["tool_choice"] = "none"
    elif offer.calling is Calling.REQUIRED:
        fields["tool_choice"] = (
            _named(tools[0]) if offer.callable and len(tools) == 1 else "required"
        )
    if not offer.parallel:
        fields["parallel_tool_calls"] = False
    return fields


def _tool(tool: ClientTool) -> Object:
    function: Object = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = _schema(tool.parameters)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _schema(schema: Mapping[str, object]) -> Mapping[str, object]:
    """Returns a schema as OpenAI's API accepts it: an object with properties, if only none."""
    kind = schema.get("type", "object")
    if kind != "object" or "properties" in schema:
        return schema
    return {**schema, "type": "object", "properties": {}}


def _named(tool: ClientTool) -> Object:
    return {"type": "function", "function": {"name": tool.name}}
