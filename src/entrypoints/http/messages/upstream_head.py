"""Copies the head of an upstream's response."""

import falcon.asgi

from modegate.domain.routing.hints import BILLING
from modegate.domain.upstream_response import ResponseHead
from modegate.entrypoints.http.messages.wording import HINT

TOO_MANY = 429
CONTENT_TYPE = "content-type"
SHORTEST_RETRY_AFTER_S = "1"


def write_head(resp: falcon.asgi.Response, head: ResponseHead, hint: str | None = None) -> None:
    """Writes the status and headers of an upstream's response, and what its error means."""
    resp.status = head.status
    for name, value in head.headers:
        if name == CONTENT_TYPE:
            resp.content_type = value  # replaces the gateway's own value, if set
        else:
            resp.append_header(name, value)
    if hint is not None:
        resp.set_header(HINT, hint)
    if head.status == TOO_MANY and resp.get_header("Retry-After") is None:
        if hint == BILLING:  # a retry cannot succeed, and SDKs obey this header
            resp.set_header("X-Should-Retry", "false")
        else:
            resp.set_header("Retry-After", SHORTEST_RETRY_AFTER_S)
