"""Whether a request may come in at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from modegate.application.ports.rate_limiter import Permits, RateLimiter
from modegate.domain.client import ANONYMOUS, Client, KeyRing
from modegate.domain.quota import Limit, Quota


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who asks, and what is left of their address's quota."""

    client: Client
    quota: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Looks at a request's address first, then at its key, then at what its client has under way.

    Places are counted for the holders of keys; where there are no keys, nobody has any.
    """

    keys: KeyRing
    limiter: RateLimiter
    permits: Permits
    per_address: Limit

    @asynccontextmanager
    async def __call__(self, address: str, authorization: str | None) -> AsyncIterator[Admitted]:
        """Let one request in, until the context is left.

        Raises:
            RateLimitError: too many from the address, or at once from the client.
            AccessError: there is no key, or a wrong one.
        """
        quota = await self.limiter.hit(self.per_address, address)
        client = self.keys.identify(authorization)
        if client is ANONYMOUS:
            yield Admitted(client, quota)
            return
        async with self.permits.take(client.id):
            yield Admitted(client, quota)

    async def quota(self, address: str) -> Quota:
        """What is left of an address's quota."""
        return await self.limiter.look(self.per_address, address)
