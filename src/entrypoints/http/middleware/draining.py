"""Rejects new requests while the gateway drains."""

import falcon.asgi

from modegate.domain.errors.catalogue import limits

# Attribute of a resource that stays available while draining, such as health and metrics.
AVAILABLE_WHILE_DRAINING = "available_while_draining"


class Draining:
    """Rejects requests while `is_draining`."""

    def __init__(self) -> None:
        self.is_draining = False

    def check(self, resp: falcon.asgi.Response, resource: object) -> None:
        """Rejects the request and closes its connection, unless the resource stays available.

        Raises:
            ShuttingDownError: the gateway drains.
        """
        if self.is_draining and not getattr(resource, AVAILABLE_WHILE_DRAINING, False):
            resp.set_header("Connection", "close")
            raise limits.shutting_down()
