"""What the framework does around each request."""

import falcon.asgi

from modegate.entrypoints.http.record import record_of

EXPOSED_HEADERS = (
    "X-Backend-Mode",
    "X-Request-ID",
    "X-Upstream-Request-ID",
    "X-Upstream-Models-Error",
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
