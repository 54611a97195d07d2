"""The limits of admission of all gateways that share a store."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from itertools import chain, count
from typing import Any

from modegate.adapters.redis.admission_entries import (
    MILLISECONDS,
    MOST_TIMES,
    Admit,
    Count,
    Permit,
    Release,
    Renew,
    handed_over,
)
from modegate.adapters.redis.admission_script import (
    ADDRESS_REJECTED,
    KEY_QUOTA,
    OK,
    PERMITS_REJECTED,
    SOURCE,
)
from modegate.adapters.redis.batcher import Batcher, Entry
from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.domain.errors.catalogue import limits
from modegate.domain.quota import KeyLimits, Limit, Quota

# Permits of a gateway that died are free after at most this many seconds.
LEASE_S = 8.0
RENEWAL_S = 2.0
# Live gateways call at least every `RENEWAL_S`; a longer pause means that the store was away. The
# rest of a lease is then long enough for a renewal.
LONGEST_PAUSE_S = 3.0
# What a failed call left behind is released this soon after the store is back.
RETRY_S = 0.25
STATE = f"{PREFIX}admission"
SETTINGS = (int(LEASE_S * MILLISECONDS), int(LONGEST_PAUSE_S * MILLISECONDS), MOST_TIMES)
REPLY_SIZE = 4
# Seconds for which a permit may pass from request to request; renewals may miss it meanwhile.
FRESH_S = 2.0


class RedisAdmissionLimiter:
    """Counts on the time of the server, so clocks of gateways do not matter.

    Permits are leases that each gateway renews, in one call for all. The requests of one turn of the
    event loop are one call, too. A permit whose acquisition failed is released when the store is
    back; its lease ends in any case.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._script = Script(SOURCE)
        self._batcher = Batcher(self._send)
        self._owner = uuid.uuid4().hex[:16]
        self._numbers = count()
        self._held: dict[str, list[Permit]] = {}
        self._owed: list[Release] = []
        self._renewing: asyncio.Task[None] | None = None

    @property
    def taken(self) -> int:
        """The number of permits that this gateway holds, over all keys."""
        return sum(map(len, self._held.values()))

    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        """Counts a request of the address, and acquires a permit of the key.

        Raises:
            RateLimitError: a rate or the permits are exhausted.
            StorageError: the store does not answer.
        """
        if key is None:
            return await self.record(per_address, address)
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        name = f"{self._owner}:{next(self._numbers)}"
        permit = Permit(name, key.permits, time.monotonic())
        if self._owed:
            self._add_owed()
        entry = Admit(per_address, address, key, permit, self._note)
        self._batcher.add(entry)
        try:
            outcome, remaining, reset, retry = await entry.future
        except asyncio.CancelledError:
            if entry.future.done() and entry.is_held:
                self.release(key.subject)  # it was granted in the same turn
            raise
        if outcome == PERMITS_REJECTED:
            raise limits.too_many_at_once(key.permits)
        limit = per_address
        if outcome not in {OK, ADDRESS_REJECTED} and key.rate is not None:
            limit = key.rate
        quota = _quota(limit, remaining, reset)
        if outcome not in {OK, KEY_QUOTA}:
            raise limits.too_many_requests(limit, retry / MILLISECONDS, quota)
        return quota

    def release(self, subject: str) -> None:
        """Releases one of the permits of a key; any of them, because they are alike."""
        permits = self._held[subject]
        permit = permits.pop()
        if not permits:
            del self._held[subject]
        self._batcher.add(Release(subject, permit, self._owed.append))

    async def record(self, limit: Limit, subject: str) -> Quota:
        """Counts one request of the subject and returns the remaining quota.

        Raises:
            RateLimitError: the limit is reached; the request is not counted.
            StorageError: the store does not answer.
        """
        entry = Count(limit, subject)
        self._batcher.add(entry)
        outcome, remaining, reset, retry = await entry.future
        quota = _quota(limit, remaining, reset)
        if outcome != OK:
            raise limits.too_many_requests(limit, retry / MILLISECONDS, quota)
        return quota

    async def peek(self, limit: Limit, subject: str) -> Quota:
        """Returns the remaining quota without counting a request."""
        entry = Count(limit, subject, counts=False)
        self._batcher.add(entry)
        _, remaining, reset, _ = await entry.future
        return _quota(limit, remaining, reset)

    async def aclose(self) -> None:
        """Releases what is held, and ends the renewals. Idempotent."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
        for subject in list(self._held):
            while subject in self._held:
                self.release(subject)
        self._add_owed()
        await self._batcher.flush()

    def _note(self, entry: Admit, reply: Sequence[int] | None) -> None:
        if reply is not None and reply[0] not in {OK, KEY_QUOTA}:
            return
        if reply is None or entry.is_abandoned():  # it may be held, or nobody holds it
            release = Release(entry.subject, entry.permit, self._owed.append)
            if reply is None:
                self._owed.append(release)
            else:
                self._batcher.add_first([release])
            return
        entry.is_held = True
        permit = entry.permit._replace(is_last=entry.permit.is_last or reply[-1] == 1)
        self._held.setdefault(entry.subject, []).append(permit)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S if self._owed else RENEWAL_S)
            self._add_owed()
            for subject, permits in self._held.items() or (("", ()),):
                self._batcher.add(Renew(subject, permits))

    def _add_owed(self) -> None:
        """Sends failed releases again; not those whose lease has ended by itself."""
        limit = time.monotonic() - 2 * LEASE_S
        owed = [it for it in self._owed if it.began > limit]
        self._owed.clear()
        self._batcher.add_first(owed)

    async def _send(self, batch: Sequence[Entry]) -> Sequence[Any]:
        sent = handed_over(batch, time.monotonic() - FRESH_S)
        keys = [STATE, *chain.from_iterable(it.keys for it in sent)]
        arguments = [*SETTINGS, *chain.from_iterable(it.arguments for it in sent)]
        reply = await self._connection.run(self._script, keys, arguments)
        numbers = [int(it) for it in reply.split()]
        replies = {
            entry: numbers[REPLY_SIZE * at : REPLY_SIZE * (at + 1)] for at, entry in enumerate(sent)
        }
        return [replies.get(it) for it in batch]


def _quota(limit: Limit, remaining: int, reset: int) -> Quota:
    return Quota(limit.requests, max(0, remaining), reset / MILLISECONDS)
