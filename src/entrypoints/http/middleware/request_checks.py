"""Falcon's middleware: what happens to every request before its resource."""

import falcon.asgi
from falcon.routing import CompiledRouter

from modegate.entrypoints.http.middleware.crowding import SURPLUS, reject_surplus
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.middleware.early_rejections import REFUSED, raise_rejection
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.entrypoints.http.middleware.route import drop_trailing_slash
from modegate.entrypoints.http.middleware.websockets import IS_RELAYED, reject_websocket


class RequestChecks:
    """Runs all checks in order. One middleware, because Falcon awaits each one for each request.

    Calls only those that the request needs, for the same reason.
    """

    def __init__(self, router: CompiledRouter, draining: Draining) -> None:
        self._router = router
        self._draining = draining

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Runs before routing."""
        if req.path.endswith("/"):
            drop_trailing_slash(req, self._router)
        if REFUSED in req.scope:
            raise_rejection(req, resp)

    async def process_resource(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        resource: object,
        params: object,  # noqa: ARG002
    ) -> None:
        """Runs after routing, before the body is read."""
        # The template, because the raw path may contain user data.
        record_of(req).route = req.uri_template
        if getattr(resource, IS_RELAYED, False):
            reject_websocket(req, resp)
        self._draining.check(resp, resource)
        if SURPLUS in req.scope:
            reject_surplus(resp, resource)
