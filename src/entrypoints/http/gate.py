"""Who comes in."""

from collections.abc import Sequence
from dataclasses import dataclass

import falcon.asgi

from modegate.application.admission import Admission
from modegate.domain.client import ClientId
from modegate.domain.quota import Quota
from modegate.entrypoints.http.addresses import IpNetwork, client_address
from modegate.entrypoints.http.lifetime import opened
from modegate.entrypoints.http.record import record_of, tighten


@dataclass(frozen=True, slots=True)
class Gate:
    """Admits requests; what they take is given back when they end, however they do."""

    admission: Admission
    trusted_proxies: Sequence[IpNetwork] = ()

    def address(self, req: falcon.asgi.Request) -> str:
        """Where the request comes from."""
        forwarded = req.get_header("X-Forwarded-For") if self.trusted_proxies else None
        return client_address(req.remote_addr, forwarded, self.trusted_proxies)

    async def quota(self, req: falcon.asgi.Request) -> Quota:
        """What is left to the request's address."""
        return await self.admission.quota(self.address(req))

    async def admit(self, req: falcon.asgi.Request) -> ClientId:
        """The client behind a request.

        Raises:
            RateLimitError: too many from its address, or at once.
            AccessError: there is no key, or a wrong one.
        """
        entering = self.admission(self.address(req), req.get_header("Authorization"))
        admitted = await opened(req.scope).enter_async_context(entering)
        tighten(req, admitted.quota)
        record_of(req).key = admitted.client.label
        return admitted.client.id
