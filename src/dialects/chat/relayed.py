"""The body of a chat request as its upstream receives it."""

from modegate.dialects.json import encode
from modegate.dialects.json_members import change_members
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.route import RelayRoute


def relayed_body(body: ChatBody, route: RelayRoute) -> bytes:
    """Returns the client's bytes, with the upstream's model name and without dropped parameters.

    Without a change, these are the client's own bytes.
    """
    changes: dict[str, bytes | None] = {}
    if route.model is not None and body.params.get("model") != route.model:
        changes["model"] = encode(route.model)
    if dropped := route.upstream.drop_params:
        changes |= {name: None for name in dropped if name in body.params}
    return change_members(body.content, changes) if changes else body.content
