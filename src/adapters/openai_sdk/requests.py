"""The parts of requests other than chat completions; sans-I/O."""

from collections.abc import AsyncIterator, Callable

from modegate.adapters.openai_sdk.endpoint import Endpoint
from modegate.domain.upstream_request import BodyStream, Target, UpstreamRequest
from modegate.http_client.messages.request import Body, SizedBody

CHAT_COMPLETIONS = Target(
    method="POST", path="/chat/completions", headers=(("content-type", "application/json"),)
)
CONTENT_TYPE = "content-type"


def headers_of(
    endpoint: Endpoint, request: UpstreamRequest, target: Target
) -> list[tuple[str, str]]:
    """Returns the headers of the endpoint, replaced by those of the target.

    The operator's own headers count more, and without a body there is no content type. A trace is
    continued.
    """
    fixed = {name.lower() for name in request.upstream.headers}
    own = {name: value for name, value in target.headers if name not in fixed}
    if request.traceparent is not None:
        own["traceparent"] = request.traceparent
    replaced = own.keys() | ({CONTENT_TYPE} - fixed)
    kept = [it for it in endpoint.headers.items() if it[0].lower() not in replaced]
    return [*kept, *own.items()]


def body_of(request: UpstreamRequest, taken: Callable[[], None]) -> Body:
    """Returns the body; `taken` is called for each piece of a stream that is sent."""
    body = request.body
    if not isinstance(body, BodyStream):
        return body
    pieces = _counted(body.pieces, taken)
    return pieces if body.length is None else SizedBody(pieces, body.length)


async def _counted(pieces: AsyncIterator[bytes], taken: Callable[[], None]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        taken()
        yield piece
    taken()
