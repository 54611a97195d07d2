"""Rejects new requests while the gateway drains."""

import falcon.asgi

from modegate.domain.errors.catalogue import limits

# Attribute of a resource that stays available while draining, such as health and metrics.
AVAILABLE_WHILE_DRAINING = "available_while_draining"


class Draining:
    """Rejects requests while `is_draining`: before the end, or while an operator wants it."""

    def __init__(self) -> None:
        self.is_draining = False
        self._is_ending = False

    def end(self) -> None:
        """Drains until the process ends."""
        self._is_ending = self.is_draining = True

    def switch(self, *, on: bool) -> None:
        """Drains, or takes it back; a shutdown is not taken back."""
        self.is_draining = on or self._is_ending

    def check(self, resp: falcon.asgi.Response, resource: object) -> None:
        """Rejects the request and closes its connection, unless the resource stays available.

        Raises:
            ShuttingDownError: the gateway drains.
        """
        if self.is_draining and not getattr(resource, AVAILABLE_WHILE_DRAINING, False):
            resp.set_header("Connection", "close")
            raise limits.shutting_down()
