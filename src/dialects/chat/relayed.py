"""The body of a request as its upstream receives it."""

import json
from collections.abc import Mapping

from modegate.dialects.foreign_thoughts import demands_thoughts, without_sealed, without_unsigned
from modegate.dialects.json import encode
from modegate.dialects.json_members import change_members
from modegate.domain.conversation.tool_call_ids import repair_tool_call_ids
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.route import RelayRoute
from modegate.domain.routing.upstream import UpstreamKind

Changes = Mapping[str, bytes | None]


def relayed_body(body: ChatBody, route: RelayRoute) -> bytes:
    """Returns the client's bytes, with the upstream's model name and without dropped parameters.

    If the upstream needs it, the ids of tool calls are repaired. Thoughts that it would reject are
    left out. Without a change, these are the client's own bytes.

    Raises:
        InvalidRequestError: if ids are to be repaired, and the result of a tool has no call.
    """
    changes: dict[str, bytes | None] = {}
    if route.model is not None and body.params.get("model") != route.model:
        changes["model"] = encode(route.model)
    if dropped := route.upstream.drop_params:
        changes |= {name: None for name in dropped if name in body.params}
    if route.upstream.kind is UpstreamKind.ANTHROPIC:
        changes |= _thoughts_of_messages(body)
    elif (items := without_sealed(body.content, body.params.get("input"))) is not None:
        changes["input"] = _exactly(items)
    messages = body.params.get("messages")
    if route.upstream.repair_tool_ids and isinstance(messages, list):
        repaired = repair_tool_call_ids(messages)
        if repaired is not messages:
            changes["messages"] = _exactly(repaired)
    return change_members(body.content, changes) if changes else body.content


def _thoughts_of_messages(body: ChatBody) -> Changes:
    messages = without_unsigned(body.content, body.params.get("messages"))
    if messages is None:
        return {}
    changes: dict[str, bytes | None] = {"messages": _exactly(messages)}
    if demands_thoughts(body.params.get("thinking"), messages):
        changes["thinking"] = None
    return changes


def _exactly(value: object) -> bytes:
    """Returns JSON that keeps each character; with lone surrogates, as escapes in ASCII."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
