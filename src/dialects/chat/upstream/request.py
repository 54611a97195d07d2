"""Encodes a request for a chat completion."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.dialects.chat.upstream.messages import encode_messages
from modegate.dialects.chat.upstream.tools import encode_tools
from modegate.dialects.json import encode
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.structured.output_format import OutputFormat

Object = dict[str, object]

ANY_OBJECT = OutputFormat()
SCHEMA_NAME = "answer"
# The API has no `max`. No reasoning is its default, and many models know no such value.
EFFORTS: Mapping[Effort, str] = MappingProxyType(
    {
        Effort.LOW: "low",
        Effort.MEDIUM: "medium",
        Effort.HIGH: "high",
        Effort.XHIGH: "xhigh",
        Effort.MAX: "xhigh",
    }
)


def encode_request(
    asked: GenerationRequest,
    model: str,
    known: frozenset[str],
    limit: str,
    *,
    systems_anywhere: bool = True,
) -> bytes:
    """Returns the body; `known` are the parameters to pass, and `limit` the name of the maximum.

    Without `systems_anywhere`, the server accepts system messages at the beginning only.

    `stream_options` is left to the step that asks for the usage, which knows if it is rejected.
    """
    said = asked.conversation.messages
    messages = encode_messages(said, systems_anywhere=systems_anywhere)
    body: Object = {"model": model, "messages": messages}
    if asked.streamed:
        body["stream"] = True
    if asked.max_tokens is not None:
        body[limit] = asked.max_tokens
    if asked.stop:
        body["stop"] = list(asked.stop)
    if asked.effort is not None and asked.effort in EFFORTS:
        body["reasoning_effort"] = EFFORTS[asked.effort]
    if asked.output is not None:
        body["response_format"] = _format(asked.output)
    if asked.tools is not None:
        body |= encode_tools(asked.tools)
    body |= {name: value for name, value in asked.passed.items() if name in known}
    return encode(body)


def _format(output: OutputFormat) -> Object:
    if output == ANY_OBJECT:
        return {"type": "json_object"}
    named: Object = {"name": output.name or SCHEMA_NAME}
    if output.description:
        named["description"] = output.description
    named["schema"] = output.schema
    if output.strict is not None:
        named["strict"] = output.strict
    return {"type": "json_schema", "json_schema": named}
