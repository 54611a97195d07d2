"""Who comes in."""

from collections.abc import Sequence
from dataclasses import dataclass

import falcon.asgi

from modegate.application.admission import Admission
from modegate.domain.client import ClientId
from modegate.domain.quota import Quota
from modegate.entrypoints.http.addresses import IpNetwork, client_address
from modegate.entrypoints.http.lifetime import opened
from modegate.entrypoints.http.record import Scope, record_of, tighten

# What the framework says where a server does not tell the peer.
UNKNOWN = ("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class Gate:
    """Admits requests; what they take is given back when they end, however they do."""

    admission: Admission
    trusted_proxies: Sequence[IpNetwork] = ()

    async def quota(self, scope: Scope) -> Quota:
        """What is left to the request's address."""
        return await self.admission.quota(self._address(scope))

    async def admit(self, req: falcon.asgi.Request) -> ClientId:
        """The client behind a request.

        Raises:
            RateLimitError: too many from its address, or at once.
            AccessError: there is no key, or a wrong one.
        """
        entering = self.admission(self._address(req.scope), req.get_header("Authorization"))
        admitted = await opened(req.scope).enter_async_context(entering)
        tighten(req, admitted.quota)
        record_of(req).key = admitted.client.label
        return admitted.client.id

    def _address(self, scope: Scope) -> str:
        peer = (scope.get("client") or UNKNOWN)[0]
        forwarded = _header(scope, b"x-forwarded-for") if self.trusted_proxies else None
        return client_address(peer, forwarded, self.trusted_proxies)


def _header(scope: Scope, name: bytes) -> str | None:
    """All of a header's lines, in their order."""
    lines = [value for key, value in scope["headers"] if key == name]
    return b",".join(lines).decode("latin-1") if lines else None
