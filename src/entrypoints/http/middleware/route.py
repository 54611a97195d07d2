"""Middleware that records the route; CORS."""

from collections.abc import Sequence
from typing import Any

import falcon
import falcon.asgi
from falcon.routing import CompiledRouter

from modegate.entrypoints.http.middleware.request_log import record_of

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
    "X-Should-Retry",
)
# What the OpenAI SDKs read beside these, and any header of an upstream: browsers take the wildcard
# where the page sends no cookies.
RELAYED_HEADERS = ("Retry-After-Ms", "*")
# Private Network Access was called Local Network Access for a while; its present form asks the
# user and sends no header.
LESS_PUBLIC_NETWORKS = ("Private-Network", "Local-Network")


class DropTrailingSlash:
    """Routes a path with a slash at its end as the path without it, if the method is served there.

    No redirect, which clients do not follow with a body.
    """

    def __init__(self, router: CompiledRouter) -> None:
        self._router = router

    async def process_request(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,  # noqa: ARG002
    ) -> None:
        """Before the route is chosen."""
        if not req.path.endswith("/"):
            return
        path = req.path.rstrip("/")
        found = self._router.find(path)
        responder = f"on_{req.method.lower()}"
        if found and (req.method == "OPTIONS" or hasattr(found[0], responder)):
            req.path = path


class RecordRoute:
    """Records the route template; the raw path may contain user data."""

    async def process_resource(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,  # noqa: ARG002
        resource: object,  # noqa: ARG002
        params: object,  # noqa: ARG002
    ) -> None:
        """Runs after routing."""
        record_of(req).route = req.uri_template


class Cors:
    """Answers the preflights of pages on allowed origins, and keeps the answers of origins apart.

    `origins` holds `*` for every page.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        # Falcon takes the wildcard only as it stands, never in a list.
        allowed = "*" if "*" in origins else list(origins)
        self._cors: Any = falcon.CORSMiddleware(
            allow_origins=allowed, expose_headers=(*EXPOSED_HEADERS, *RELAYED_HEADERS)
        )

    async def process_response(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        resource: object,
        req_succeeded: bool,  # noqa: FBT001
    ) -> None:
        """Adds `Vary`, because caches must not serve the response for one origin to another."""
        resp.append_header("Vary", "Origin")
        await self._cors.process_response_async(req, resp, resource, req_succeeded)
        if resp.get_header("Access-Control-Allow-Methods") is not None:
            _allow_network(req, resp)


def _allow_network(req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
    """Permits pages of a more public network than the gateway's, where a preflight asks for it."""
    for network in LESS_PUBLIC_NETWORKS:
        if req.get_header(f"Access-Control-Request-{network}") == "true":
            resp.set_header(f"Access-Control-Allow-{network}", "true")
