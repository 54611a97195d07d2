"""Whether a request may come in at all."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

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

    def __call__(
        self, address: str, authorization: str | None
    ) -> AbstractAsyncContextManager[Admitted]:
        """Let one request in, until the context is left.

        Raises:
            RateLimitError: too many from the address, or at once from the client.
            AccessError: there is no key, or a wrong one.
        """
        return _Entering(self, address, authorization)

    async def quota(self, address: str) -> Quota:
        """What is left of an address's quota."""
        return await self.limiter.look(self.per_address, address)


@dataclass(slots=True)
class _Entering:
    """A class and no generator, which costs a request more."""

    admission: Admission
    address: str
    authorization: str | None
    place: AbstractAsyncContextManager[None] = field(default_factory=nullcontext)

    async def __aenter__(self) -> Admitted:
        at = self.admission
        quota = await at.limiter.hit(at.per_address, self.address)
        client = at.keys.identify(self.authorization)
        if client is not ANONYMOUS:
            place = at.permits.take(client.id)
            await place.__aenter__()
            self.place = place
        return Admitted(client, quota)

    async def __aexit__(self, *raised: object) -> None:
        await self.place.__aexit__(None, None, None)
