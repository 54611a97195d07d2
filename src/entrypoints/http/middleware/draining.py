"""The end of the gateway, as its clients see it."""

import falcon.asgi

from modegate.domain.errors import ShuttingDownError
from modegate.entrypoints.http.resources.health import Health, Live
from modegate.entrypoints.http.resources.metrics import MetricsPage

# Whoever watches the gateway wants to know most of all how it ends.
ALWAYS_OPEN = (Health, Live, MetricsPage)


class Draining:
    """Whether the gateway takes no new requests any more."""

    def __init__(self) -> None:
        self.is_draining = False

    async def process_resource(
        self,
        req: falcon.asgi.Request,  # noqa: ARG002
        resp: falcon.asgi.Response,
        resource: object,
        params: object,  # noqa: ARG002
    ) -> None:
        """Refuse what is new, and keep its connection no longer."""
        if self.is_draining and not isinstance(resource, ALWAYS_OPEN):
            resp.set_header("Connection", "close")
            raise ShuttingDownError
