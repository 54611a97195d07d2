"""How many connections clients may have, so that descriptors are left for what answers them."""

from dataclasses import dataclass

import falcon.asgi

from modegate.domain.errors import CapacityError
from modegate.entrypoints.http.middleware.draining import AVAILABLE_WHILE_DRAINING

# The gateway's own: standard streams, the event loop, the database, locks, the guard.
OWN_DESCRIPTORS = 32
FEWEST = 4
RETRY_AFTER_S = 5.0
# In the scope of a request that came over a connection beyond the limit.
SURPLUS = "modegate.surplus"


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """Requests of connections beyond `served` are refused; beyond `most` none is accepted."""

    served: int
    most: int

    @classmethod
    def of(cls, descriptors: int) -> "ConnectionLimit":
        """Half of the free descriptors: a request may need another one, to its upstream."""
        free = max(descriptors - OWN_DESCRIPTORS, 2 * FEWEST)
        served = free // 2
        return cls(served, served + max(1, served // 8))


class Crowding:
    """Refuses requests of surplus connections, and closes these; health and metrics are answered."""

    async def process_resource(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        resource: object,
        params: object,  # noqa: ARG002
    ) -> None:
        """Before the request's body is read."""
        if not req.scope.get(SURPLUS):
            return
        resp.set_header("Connection", "close")
        if not getattr(resource, AVAILABLE_WHILE_DRAINING, False):
            raise CapacityError(
                "The server has as many connections as it can serve: send the request again later.",
                retry_after=RETRY_AFTER_S,
            )
