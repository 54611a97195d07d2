"""Sessions that several gateways share."""

import json
import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, fields
from typing import Any

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.adapters.redis.session_leases import SessionLeases, lease_key
from modegate.adapters.redis.store_time import StoreTime
from modegate.application.ports.clock import Clock
from modegate.domain.access.client import ClientId
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import sessions, storage
from modegate.domain.health import StorageState
from modegate.domain.session import Session, SessionId

FIELDS = frozenset(field.name for field in fields(Session))
BY_USE = f"{PREFIX}sessions-by-use"
BY_AGE = f"{PREFIX}sessions-by-age"
OF_HISTORY = f"{PREFIX}sessions-said:"
OF_CLIENT = f"{PREFIX}sessions-of:"
PROOF = f"{PREFIX}proof"
PROOF_MS = 60_000
# Sessions in one answer of the store, which serves nobody else meanwhile.
PAGE_SIZE = 200
# Expired sessions that are looked at for one page. While there are more, the rest waits until these
# are removed.
LOOKED_AT = 5000

PUT = Script("""
if ARGV[2] ~= '' and redis.call('HGET', KEYS[2], 'token') ~= ARGV[2] then return 0 end
local before = redis.call('HGET', KEYS[1], 'history')
if before and before ~= ARGV[7] then redis.call('ZREM', ARGV[8] .. before, ARGV[1]) end
redis.call('HSET', KEYS[1], 'session', ARGV[3], 'client', ARGV[6], 'history', ARGV[7])
if ARGV[7] ~= '' then redis.call('ZADD', ARGV[8] .. ARGV[7], ARGV[4], ARGV[1]) end
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1])
redis.call('ZADD', KEYS[5], ARGV[4], ARGV[1])
return 1
""")
REMOVE = Script("""
if ARGV[2] ~= '' and redis.call('HGET', KEYS[2], 'token') ~= ARGV[2] then return 0 end
local client = redis.call('HGET', KEYS[1], 'client')
local history = redis.call('HGET', KEYS[1], 'history')
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if client then redis.call('ZREM', ARGV[3] .. client, ARGV[1]) end
if history then redis.call('ZREM', ARGV[4] .. history, ARGV[1]) end
return 1
""")
GET = Script("return redis.call('HGET', KEYS[1], 'session')")
FIND = Script("""
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], ARGV[1], ARGV[2])) do
    found[#found + 1] = redis.call('HGET', ARGV[3] .. id, 'session')
end
return found
""")
COUNT = Script("return redis.call('ZCARD', KEYS[1])")
EXPIRED = Script("""
local known, ids = {}, {}
for at = 1, 2 do
    for _, id in ipairs(redis.call(
        'ZRANGE', KEYS[at], '-inf', ARGV[at], 'BYSCORE', 'LIMIT', 0, ARGV[5]
    )) do
        if not known[id] and id > ARGV[3] then
            known[id] = true
            ids[#ids + 1] = id
        end
    end
end
table.sort(ids)
return {unpack(ids, 1, math.min(#ids, tonumber(ARGV[4])))}
""")
UNKNOWN = Script("""
local unknown = {}
for _, id in ipairs(ARGV) do
    if not redis.call('ZSCORE', KEYS[1], id) then unknown[#unknown + 1] = id end
end
return unknown
""")
PROVE = Script("return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])")

log = logging.getLogger(__name__)


def session_key(session_id: str) -> str:
    """Returns the key of a session."""
    return f"{PREFIX}session:{session_id}"


class RedisSessionStore:
    """Stores sessions and holds in a store that several gateways share.

    Times are stored on the store's clock and returned on the gateway's. A holder that has lost its
    hold cannot write: `put` and `remove` then raise `SessionBusyError`.
    """

    def __init__(self, connection: RedisConnection, clock: Clock) -> None:
        self._connection = connection
        self._time = StoreTime(connection, clock.now)
        self.leases = SessionLeases(connection)
        self._state = StorageState.OK

    def storage_state(self) -> StorageState:
        """Whether the store was there when it was last used, and the last check could write."""
        return self._state if self._connection.is_up else StorageState.ERROR

    async def check_storage(self) -> None:
        """Tries a write."""
        try:
            await self._connection.run(PROVE, (PROOF,), (1, PROOF_MS))
            self._state = StorageState.OK
        except StorageError:
            self._state = StorageState.ERROR

    async def get(self, session_id: SessionId) -> Session | None:
        """Returns the session, or None."""
        offset = await self._time.offset()
        found = await self._connection.run(GET, (session_key(session_id),))
        return None if found is None else _decode(found, offset)

    async def find(self, client: ClientId | None = None) -> list[Session]:
        """Returns all sessions, or one client's, page by page."""
        offset = await self._time.offset()
        index = BY_USE if client is None else f"{OF_CLIENT}{client}"
        found: dict[SessionId, Session] = {}
        start = 0
        while True:
            last = start + PAGE_SIZE - 1
            page = await self._connection.run(FIND, (index,), (start, last, session_key("")))
            for text in page:
                session = _decode(text, offset)
                found.setdefault(session.id, session)
            if len(page) < PAGE_SIZE:
                break
            start += PAGE_SIZE
        return list(found.values())

    async def find_by_history(self, history: str, limit: int) -> list[Session]:
        """Returns sessions with this history, most recently used first."""
        if not history:
            return []
        offset = await self._time.offset()
        found = await self._connection.run(
            FIND, (f"{OF_HISTORY}{history}",), (0, limit - 1, session_key(""))
        )
        return [_decode(text, offset) for text in found]

    async def count(self) -> int:
        """Returns the number of sessions of all gateways."""
        return int(await self._connection.run(COUNT, (BY_USE,)))

    async def find_expired(
        self,
        *,
        used_until: float,
        created_until: float,
        limit: int,
        after: SessionId | None = None,
    ) -> list[SessionId]:
        """Returns a page of ids, sorted."""
        offset = await self._time.offset()
        ids = await self._connection.run(
            EXPIRED,
            (BY_USE, BY_AGE),
            (used_until + offset, created_until + offset, after or "", limit, LOOKED_AT),
        )
        return [SessionId(it.decode()) for it in ids]

    async def find_unknown(self, ids: Sequence[SessionId]) -> list[SessionId]:
        """Returns the ids without a session."""
        unknown = await self._connection.run(UNKNOWN, (BY_USE,), ids)
        return [SessionId(it.decode()) for it in unknown]

    async def put(self, session: Session) -> None:
        """Stores the session, unless its hold was lost."""
        try:
            stored = session.dated(await self._time.offset())
            is_stored = await self._connection.run(
                PUT,
                (*self._keys(session.id), f"{OF_CLIENT}{session.client}"),
                (
                    session.id,
                    self.leases.token(session.id),
                    json.dumps(asdict(stored)),
                    stored.used_at,
                    stored.created_at,
                    session.client,
                    session.history,
                    OF_HISTORY,
                ),
            )
        except StorageError:
            log.error("session %s could not be kept", session.id)  # noqa: TRY400
            raise
        if not is_stored:
            log.warning("session %s not stored: another request has it by now", session.id)
            raise sessions.hold_lost()

    async def reserve(self, session: Session) -> None:
        """Writes something, which a full or read-only store refuses."""
        await self._connection.run(PROVE, (PROOF,), (session.id, PROOF_MS))

    async def remove(self, session_id: SessionId) -> None:
        """Deletes the session, unless its hold was lost."""
        is_removed = await self._connection.run(
            REMOVE,
            self._keys(session_id),
            (session_id, self.leases.token(session_id), OF_CLIENT, OF_HISTORY),
        )
        if not is_removed:
            raise sessions.hold_lost()

    def hold(self, session_id: SessionId) -> AbstractAsyncContextManager[None]:
        """Holds the id among all gateways."""
        return self.leases.hold(session_id)

    async def aclose(self) -> None:
        """Ends the renewal of holds. Idempotent."""
        await self.leases.aclose()

    def _keys(self, session_id: SessionId) -> tuple[str, ...]:
        return session_key(session_id), lease_key(session_id), BY_USE, BY_AGE


def _decode(text: bytes, offset: float) -> Session:
    try:
        row: dict[str, Any] = json.loads(text)
        # A later version may have stored more fields.
        stored = Session(**{name: value for name, value in row.items() if name in FIELDS})
        return stored.dated(-offset)
    except (AttributeError, TypeError, ValueError) as error:
        log.error("session in the store unreadable: %s", type(error).__name__)  # noqa: TRY400
        raise storage.store_unreadable() from error
