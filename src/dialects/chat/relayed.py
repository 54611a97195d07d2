"""The body of a chat request as its upstream receives it."""

import json

from modegate.dialects.foreign_thoughts import without_sealed
from modegate.dialects.json import encode
from modegate.dialects.json_members import change_members
from modegate.domain.conversation.tool_call_ids import repair_tool_call_ids
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.route import RelayRoute


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
    if (items := without_sealed(body.content, body.params.get("input"))) is not None:
        changes["input"] = _exactly(items)
    messages = body.params.get("messages")
    if route.upstream.repair_tool_ids and isinstance(messages, list):
        repaired = repair_tool_call_ids(messages)
        if repaired is not messages:
            changes["messages"] = _exactly(repaired)
    return change_members(body.content, changes) if changes else body.content


def _exactly(value: object) -> bytes:
    """Returns JSON that keeps each character; with lone surrogates, as escapes in ASCII."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
