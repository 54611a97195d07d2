"""The first step of every request: authentication and limits."""

from modegate.application.ports.admission_limiter import AdmissionLimiter
from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.configuration import Configuration
from modegate.domain.errors import GatewayError
from modegate.domain.inbound_request import Entry, InProcess
from modegate.domain.quota import KeyLimits, Quota
from modegate.domain.request_record import RequestRecord
from modegate.lazy_dataclass import dataclass


@dataclass(slots=True)  # not frozen: created for each request
class Admitted:
    """The client of a request, and the remaining quota of its address or key.

    `permit` is the key whose permit the request holds, if it holds one.
    """

    client: Client
    quota: Quota | None = None
    permit: str | None = None


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
    limiter: AdmissionLimiter
    clock: Clock

    async def acquire(self, entry: Entry | InProcess, configuration: Configuration) -> Admitted:
        """Admits one request; the caller releases it exactly once. A context would cost more.

        Raises:
            RateLimitError: if the address's or the key's rate limit, or the key's permits, are
                exhausted.
            AccessError: if the key is missing, invalid, disabled, expired or revoked.
            StorageError: if the limits cannot be read.
        """
        if isinstance(entry, InProcess):
            return Admitted(entry.client)
        try:
            client = configuration.keys.identify(
                entry.authorization, entry.api_key, self.clock.time_of_day
            )
        except GatewayError:  # the address is counted first
            await self.limiter.acquire(configuration.per_address, entry.address)
            raise
        if client is ANONYMOUS:
            quota = await self.limiter.acquire(configuration.per_address, entry.address)
            return Admitted(client, quota)
        rules = client.rules
        key = KeyLimits(client.id, rules.concurrency or configuration.per_key, rules.rate)
        quota = await self.limiter.acquire(configuration.per_address, entry.address, key)
        return Admitted(client, quota, client.id)

    def release(self, admitted: Admitted) -> None:
        """Releases the permit of a request, if it holds one."""
        if admitted.permit is not None:
            self.limiter.release(admitted.permit)

    async def quota(self, address: str) -> Quota:
        """Returns the remaining quota of an address."""
        return await self.limiter.peek(self.configuration.current().per_address, address)
