"""Admission of requests: rate limit, authentication and concurrency limit."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from modegate.application.ports.rate_limiter import ConcurrencyLimiter, RateLimiter
from modegate.domain.access.client import ANONYMOUS, Client, KeyRing
from modegate.domain.quota import Limit, Quota


@dataclass(frozen=True, slots=True)
class Admitted:
    """An admitted request: its client and the remaining quota of its address."""

    client: Client
    quota: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Checks the rate limit of the address, then the key, then the client's concurrent requests.

    The concurrency limit applies only to clients with keys. Anonymous clients have none.
    """

    keys: KeyRing
    limiter: RateLimiter
    permits: ConcurrencyLimiter
    per_address: Limit

    def __call__(
        self, address: str, authorization: str | None
    ) -> AbstractAsyncContextManager[Admitted]:
        """Admits one request; its concurrency permit is held until the context is left.

        Raises:
            RateLimitError: if the address exceeds its rate limit, or the client its concurrency
                limit.
            AccessError: if the key is missing or invalid.
        """
        return _Entering(self, address, authorization)

    async def quota(self, address: str) -> Quota:
        """Returns the remaining quota of an address."""
        return await self.limiter.peek(self.per_address, address)


@dataclass(slots=True)
class _Entering:
    """The context of one admission. A class, because a generator costs more for each request."""

    admission: Admission
    address: str
    authorization: str | None
    place: AbstractAsyncContextManager[None] = field(default_factory=nullcontext)

    async def __aenter__(self) -> Admitted:
        at = self.admission
        quota = await at.limiter.record(at.per_address, self.address)
        client = at.keys.identify(self.authorization)
        if client is not ANONYMOUS:
            place = at.permits.acquire(client.id)
            await place.__aenter__()
            self.place = place
        return Admitted(client, quota)

    async def __aexit__(self, *raised: object) -> None:
        await self.place.__aexit__(None, None, None)
