"""Who comes in."""

from dataclasses import dataclass, field

import falcon.asgi

from modegate.application.admission import Admission
from modegate.domain.client import ClientId
from modegate.domain.quota import Quota
from modegate.entrypoints.http.client_addresses import ClientAddresses
from modegate.entrypoints.http.lifetime import opened
from modegate.entrypoints.http.record import Scope, record_of, tighten


@dataclass(frozen=True, slots=True)
class Gate:
    """Admits requests; what they take is given back when they end, however they do."""

    admission: Admission
    addresses: ClientAddresses = field(default_factory=ClientAddresses)

    async def quota(self, scope: Scope) -> Quota:
        """What is left to the request's address."""
        return await self.admission.quota(self.addresses.find(scope))

    async def admit(self, req: falcon.asgi.Request) -> ClientId:
        """The client behind a request.

        Raises:
            RateLimitError: too many from its address, or at once.
            AccessError: there is no key, or a wrong one.
        """
        address = self.addresses.find_or_warn(req.scope)
        entering = self.admission(address, req.get_header("Authorization"))
        admitted = await opened(req.scope).enter_async_context(entering)
        tighten(req, admitted.quota)
        record_of(req).key = admitted.client.label
        return admitted.client.id
