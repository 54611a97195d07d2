"""Who comes in."""

from dataclasses import dataclass

import falcon.asgi

from modegate.application.admission import Admission
from modegate.domain.client import ClientId
from modegate.entrypoints.http.lifetime import opened
from modegate.entrypoints.http.rate_limits import tighten
from modegate.entrypoints.http.record import record_of


@dataclass(frozen=True, slots=True)
class Gate:
    """Admits requests; what they take is given back when they end, however they do."""

    admission: Admission

    async def admit(self, req: falcon.asgi.Request) -> ClientId:
        """The client behind a request.

        Raises:
            RateLimitError: too many from its address, or at once.
            AccessError: there is no key, or a wrong one.
        """
        entering = self.admission(req.remote_addr, req.get_header("Authorization"))
        admitted = await opened(req.scope).enter_async_context(entering)
        tighten(req, admitted.quota)
        record_of(req).key = admitted.client.label
        return admitted.client.id
