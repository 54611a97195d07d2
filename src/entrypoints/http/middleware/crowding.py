"""Limits client connections, so that file descriptors remain for the backends."""

import falcon.asgi

from modegate.domain.errors.catalogue import limits
from modegate.entrypoints.http.middleware.draining import AVAILABLE_WHILE_DRAINING
from modegate.lazy_dataclass import dataclass

# Used by the gateway: standard streams, the event loop, the database, locks, the guard.
OWN_DESCRIPTORS = 32
FEWEST = 4
# Key in the ASGI scope of requests on a connection beyond the limit.
SURPLUS = "modegate.surplus"


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """Rejects requests of connections beyond `served`; accepts no connections beyond `most`."""

    served: int
    most: int

    @classmethod
    def of(cls, descriptors: int) -> "ConnectionLimit":
        """Returns half of the free descriptors: each request may need one for its upstream."""
        free = max(descriptors - OWN_DESCRIPTORS, 2 * FEWEST)
        served = free // 2
        return cls(served, served + max(1, served // 8))


def reject_surplus(resp: falcon.asgi.Response, resource: object) -> None:
    """Closes a surplus connection after this request, which only health and metrics answer.

    Raises:
        CapacityError: the request needs a connection within the limit.
    """
    resp.set_header("Connection", "close")
    if not getattr(resource, AVAILABLE_WHILE_DRAINING, False):
        raise limits.too_many_connections()
