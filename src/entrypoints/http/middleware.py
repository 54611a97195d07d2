"""What every response carries."""

import random
import uuid

import falcon.asgi

from modegate.entrypoints.http.record import record_of

LONGEST_ID = 128

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
}
EXPOSED_HEADERS = (
    "X-Backend-Mode",
    "X-Request-ID",
    "X-Upstream-Request-ID",
    "X-Claude-Session-ID",
    "X-Claude-Session-Created",
    "X-Claude-Ignored-Params",
    "X-Usage-Estimated",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
)


class NoteRoute:
    """Has the log tell the route, for the path may hold anything."""

    async def process_resource(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,  # noqa: ARG002
        resource: object,  # noqa: ARG002
        params: object,  # noqa: ARG002
    ) -> None:
        """Once it is known."""
        record_of(req).route = req.uri_template


class VaryByOrigin:
    """Keeps caches from giving one origin's answer to another."""

    async def process_response(
        self,
        req: falcon.asgi.Request,  # noqa: ARG002
        resp: falcon.asgi.Response,
        resource: object,  # noqa: ARG002
        req_succeeded: bool,  # noqa: ARG002, FBT001
    ) -> None:
        """On every response, for each may depend on it."""
        resp.append_header("Vary", "Origin")


def request_id_of(wish: str | None) -> str:
    """The client's own id where it is 1 to 128 visible ASCII characters, else a new UUID."""
    if wish and len(wish) <= LONGEST_ID and all("!" <= character <= "~" for character in wish):
        return wish
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
