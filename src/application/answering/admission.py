"""The first step of every request: authentication and limits."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from modegate.application.ports.clock import Clock
from modegate.application.ports.concurrency_limiter import ConcurrencyLimiter
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.rate_limiter import RateLimiter
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.configuration import Configuration
from modegate.domain.inbound_request import Entry, InProcess
from modegate.domain.quota import Limit, Quota
from modegate.domain.request_record import RequestRecord


@dataclass(slots=True)  # not frozen: created for each request
class Admitted:
    """The client of a request, and the remaining quota of its address."""

    client: Client
    quota: Quota | None = None


def record_admission(record: RequestRecord, admitted: Admitted) -> None:
    """Records the client and the quota of its address."""
    record.key = admitted.client.label
    record.key_id = admitted.client.key_id
    if admitted.quota is not None:
        record.apply_quota(admitted.quota)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Checks the address's rate limit, then the key, then the key's limits.

    Concurrency is limited for clients with a key; the anonymous client has no such limit.
    """

    configuration: ConfigurationSource
    limiter: RateLimiter
    concurrency: ConcurrencyLimiter
    clock: Clock

    def admit(
        self, entry: Entry | InProcess, configuration: Configuration
    ) -> AbstractAsyncContextManager[Admitted]:
        """Admits one request until the context is left.

        Raises:
            RateLimitError: if the address's or the key's rate limit, or the key's permits, are
                exhausted.
            AccessError: if the key is missing, invalid, disabled, expired or revoked.
        """
        if isinstance(entry, InProcess):
            return nullcontext(Admitted(entry.client))
        return _Entering(self, entry, configuration)

    async def quota(self, address: str) -> Quota:
        """Returns the remaining quota of an address."""
        return await self.limiter.peek(self.configuration.current().per_address, address)


@dataclass(slots=True)
class _Entering:
    """The context of one admission. A class, because a generator costs more for each request."""

    admission: Admission
    entry: Entry
    configuration: Configuration
    client: Client = ANONYMOUS

    async def __aenter__(self) -> Admitted:
        admission, configuration, entry = self.admission, self.configuration, self.entry
        quota = await admission.limiter.record(configuration.per_address, entry.address)
        client = configuration.keys.identify(
            entry.authorization, entry.api_key, admission.clock.time_of_day
        )
        if client is not ANONYMOUS:
            limit = client.rules.concurrency or configuration.per_key
            await admission.concurrency.acquire(client.id, limit)
            self.client = client
            if client.rules.rate is not None:
                quota = (await self._count(client, client.rules.rate)).stricter_of(quota)
        return Admitted(client, quota)

    async def _count(self, client: Client, rate: Limit) -> Quota:
        """Counts the request of a key that has a limit, after its permit: one rejected is free."""
        try:
            return await self.admission.limiter.record(rate, client.id)
        except BaseException:
            await self.admission.concurrency.release(client.id)
            raise

    async def __aexit__(self, *raised: object) -> None:
        if self.client is not ANONYMOUS:
            await self.admission.concurrency.release(self.client.id)
