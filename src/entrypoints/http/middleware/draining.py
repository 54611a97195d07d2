"""Rejects new requests while the gateway drains."""

import falcon.asgi

from modegate.domain.errors.catalogue import limits

# Attribute of a resource that stays available while draining, such as health and metrics.
AVAILABLE_WHILE_DRAINING = "available_while_draining"


class Draining:
    """Rejects requests while `is_draining`."""

    def __init__(self) -> None:
        self.is_draining = False

    async def process_resource(
        self,
        req: falcon.asgi.Request,  # noqa: ARG002
        resp: falcon.asgi.Response,
        resource: object,
        params: object,  # noqa: ARG002
    ) -> None:
        """Rejects the request and closes its connection, unless the resource stays available."""
        if self.is_draining and not getattr(resource, AVAILABLE_WHILE_DRAINING, False):
            resp.set_header("Connection", "close")
            raise limits.shutting_down()
