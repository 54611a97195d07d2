"""Holds on sessions as leases: they end by themselves when their gateway dies."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import sessions
from modegate.domain.session import SessionId
from modegate.lazy_dataclass import dataclass

# A hold of a dead gateway ends after so many seconds on the store's clock.
LEASE_S = 8.0
# Seconds between renewals, and until a failed one is repeated.
RENEW_AFTER_S = 2.0
RETRY_AFTER_S = 0.5
# Seconds for which the store remembers the last holder of a lease that has ended. Until then, it may
# go on where nobody else has taken the session.
REMEMBERED_S = 3600.0

COUNTER = f"{PREFIX}session-tokens"

# A token is greater than all before it, also than those of a store that has lost its data.
ACQUIRE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call('HGET', KEYS[1], 'ends')
if ends and tonumber(ends) > now then return false end
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, time[1] * 1000000 + time[2])
token = string.format('%.0f', token)
redis.call('SET', KEYS[2], token)
redis.call('HSET', KEYS[1], 'token', token, 'ends', string.format('%.0f', now + ARGV[1]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return token
""")
RENEW = Script("""
local time = redis.call('TIME')
local ends = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
local kept = {}
for at, key in ipairs(KEYS) do
    kept[at] = 0
    if redis.call('HGET', key, 'token') == ARGV[at + 2] then
        redis.call('HSET', key, 'ends', ends)
        redis.call('PEXPIRE', key, ARGV[2])
        kept[at] = 1
    end
end
return kept
""")
RELEASE = Script("""
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('DEL', KEYS[1]) end
""")

log = logging.getLogger(__name__)


def lease_key(session_id: SessionId) -> str:
    """Returns the key under which the store has the holder of a session."""
    return f"{PREFIX}session-hold:{session_id}"


@dataclass(slots=True, eq=False)
class Lease:
    """A hold of this gateway. `scope` ends the holder's turn when the lease is lost."""

    session_id: SessionId
    token: str
    scope: asyncio.Timeout
    is_lost: bool = False

    def lose(self) -> None:
        """Ends the turn: another gateway may be using the session."""
        self.is_lost = True
        self.scope.reschedule(asyncio.get_running_loop().time())


class SessionLeases:
    """Takes, renews and releases the leases of one gateway.

    A lease is renewed in the background, all leases in one call. A holder that was paused for longer
    than its lease goes on if no other has taken the session since. Otherwise its turn is ended, and
    the store refuses what it writes, because its token is not the last one.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._held: dict[SessionId, Lease] = {}
        self._renewing: asyncio.Task[None] | None = None

    def token(self, session_id: SessionId) -> str:
        """Returns the token of this gateway's hold; empty if it has none."""
        lease = self._held.get(session_id)
        return lease.token if lease else ""

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        """Holds a session until the context is left.

        Raises:
            SessionBusyError: it is held already; or, on leaving, the hold was lost.
            StorageError: the store cannot be asked.
        """
        token = await self._take(session_id)
        scope = asyncio.timeout(None)
        lease = Lease(session_id, token, scope)
        try:
            async with scope:
                self._held[session_id] = lease
                if self._renewing is None:
                    self._renewing = asyncio.create_task(self._renew_while_held())
                yield
        except TimeoutError:
            if lease.is_lost and scope.expired():
                raise sessions.hold_lost() from None
            raise
        finally:
            del self._held[session_id]
            # Shielded: a second cancellation must not leave the session held.
            await asyncio.shield(self._release(session_id, token))

    async def renew(self) -> None:
        """Renews all leases in one call, and ends the turns of those that are lost.

        Raises:
            StorageError: the store cannot be asked.
        """
        leases = list(self._held.values())
        kept = await self._connection.run(
            RENEW,
            [lease_key(it.session_id) for it in leases],
            (_ms(LEASE_S), _ms(REMEMBERED_S), *(it.token for it in leases)),
        )
        for lease, is_kept in zip(leases, kept, strict=True):
            if not is_kept and self._held.get(lease.session_id) is lease and not lease.is_lost:
                log.warning("session %s lost: another gateway has it", lease.session_id)
                lease.lose()

    async def aclose(self) -> None:
        """Stops the renewals. Idempotent."""
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.cancel()
            await asyncio.wait({renewing})

    async def _take(self, session_id: SessionId) -> str:
        if session_id in self._held:
            raise sessions.busy()
        taking = asyncio.ensure_future(
            self._connection.run(
                ACQUIRE, (lease_key(session_id), COUNTER), (_ms(LEASE_S), _ms(REMEMBERED_S))
            )
        )
        try:
            token: bytes | None = await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(lambda done: self._undo(done, session_id))
            raise
        if token is None:
            raise sessions.busy()
        return token.decode()

    def _undo(self, taking: "asyncio.Future[bytes | None]", session_id: SessionId) -> None:
        """Releases a hold that was granted while its waiter was being cancelled."""
        if taking.cancelled() or taking.exception() is not None:
            return
        if token := taking.result():
            undoing = asyncio.ensure_future(self._release(session_id, token.decode()))
            undoing.add_done_callback(lambda _: None)  # the reference that keeps it alive

    async def _release(self, session_id: SessionId, token: str) -> None:
        with suppress(StorageError):  # then it ends by itself
            await self._connection.run(RELEASE, (lease_key(session_id),), (token,))

    async def _renew_while_held(self) -> None:
        pause_s = RENEW_AFTER_S
        while True:
            await asyncio.sleep(pause_s)
            if not self._held:
                self._renewing = None
                return
            try:
                await self.renew()
                pause_s = RENEW_AFTER_S
            except StorageError:
                pause_s = RETRY_AFTER_S


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
