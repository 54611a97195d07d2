"""Trailing slashes, and CORS."""

from collections.abc import Sequence
from typing import Any

import falcon
import falcon.asgi
from falcon.routing import CompiledRouter

EXPOSED_HEADERS = (
    "X-Backend-Mode",
    "X-Request-ID",
    "X-Upstream-Request-ID",
    "X-Upstream-Models-Error",
    "X-Modegate-Hint",
    "X-Claude-Session-ID",
    "X-Claude-Session-Created",
    "X-Claude-Ignored-Params",
    "X-Modegate-Ignored-Params",
    "X-Modegate-Ignored-Tools",
    "request-id",
    "X-Usage-Estimated",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Budget-Remaining-USD",
    "X-Budget-Remaining-Tokens",
    "Retry-After",
    "X-Should-Retry",
)
# Headers that the OpenAI SDKs read too, and all headers of an upstream. Browsers accept the
# wildcard for requests without cookies.
RELAYED_HEADERS = ("Retry-After-Ms", "*")
# Private Network Access was called Local Network Access for a while. Its current form asks the user
# and sends no header.
LESS_PUBLIC_NETWORKS = ("Private-Network", "Local-Network")


def drop_trailing_slash(req: falcon.asgi.Request, router: CompiledRouter) -> None:
    """Removes a trailing slash from the path, if the path without it supports the method.

    Does not redirect, because clients do not resend a body after a redirect.
    """
    path = req.path.rstrip("/")
    found = router.find(path)
    responder = f"on_{req.method.lower()}"
    if found and (req.method == "OPTIONS" or hasattr(found[0], responder)):
        req.path = path


class Cors:
    """Handles CORS preflights for allowed origins, and adds CORS headers and `Vary`.

    `origins` contains `*` to allow every page.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        # Falcon accepts the wildcard only as a string, not in a list.
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
        """Adds CORS headers, and `Vary` so that caches separate the responses by origin."""
        resp.append_header("Vary", "Origin")
        await self._cors.process_response_async(req, resp, resource, req_succeeded)
        if resp.get_header("Access-Control-Allow-Methods") is not None:
            _allow_network(req, resp)


def _allow_network(req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
    """Allows pages of a more public network than the gateway's, if a preflight requests it."""
    for network in LESS_PUBLIC_NETWORKS:
        if req.get_header(f"Access-Control-Request-{network}") == "true":
            resp.set_header(f"Access-Control-Allow-{network}", "true")
