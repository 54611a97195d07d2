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


class RequestId:
    """Echoes the client's id for its request, or makes one."""

    async def process_resource(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,  # noqa: ARG002
        resource: object,  # noqa: ARG002
        params: object,  # noqa: ARG002
    ) -> None:
        """The route is known; the path may hold anything."""
        record_of(req).route = req.uri_template

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Before anything can fail."""
        request_id = request_id_of(req.get_header("X-Request-ID"))
        record = record_of(req)
        record.request_id = request_id
        resp.set_header("X-Request-ID", request_id)


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


class SecurityHeaders:
    """Tells browsers to trust nothing; a page that needs more says so itself."""

    async def process_response(
        self,
        req: falcon.asgi.Request,  # noqa: ARG002
        resp: falcon.asgi.Response,
        resource: object,  # noqa: ARG002
        req_succeeded: bool,  # noqa: ARG002, FBT001
    ) -> None:
        """After everything else has set its own."""
        for name, value in SECURITY_HEADERS.items():
            if resp.get_header(name) is None:
                resp.set_header(name, value)


def request_id_of(wish: str | None) -> str:
    """The client's own id where it is 1 to 128 visible ASCII characters, else a new UUID."""
    if wish and len(wish) <= LONGEST_ID and all("!" <= character <= "~" for character in wish):
        return wish
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
