"""Who comes in."""

from dataclasses import dataclass, field

import falcon.asgi

from modegate.application.answering.admission import Admission
from modegate.domain.access.client import ClientId
from modegate.domain.quota import Quota
from modegate.entrypoints.http.middleware.client_addresses import ClientAddresses
from modegate.entrypoints.http.middleware.request_lifecycle import exit_stack_of
from modegate.entrypoints.http.middleware.request_log import Scope, apply_quota, request_log_of


@dataclass(frozen=True, slots=True)
class Authenticator:
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
        admitted = await exit_stack_of(req.scope).enter_async_context(entering)
        apply_quota(req, admitted.quota)
        request_log_of(req).key = admitted.client.label
        return admitted.client.id
