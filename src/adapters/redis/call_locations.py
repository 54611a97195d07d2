"""The open calls of sessions, which results of a client's tools lead to from any gateway."""

import hashlib
from collections.abc import Collection

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.domain.access.client import ClientId
from modegate.domain.session import Session, SessionId

FIND = Script("""
for _, key in ipairs(KEYS) do
    local found = redis.call('GET', key)
    if found then return found end
end
return false
""")
# ARGV: the session, its time to live, and how many of the keys were answered; the others are new.
MOVE = Script("""
for at, key in ipairs(KEYS) do
    if at > tonumber(ARGV[3]) then
        redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    elseif redis.call('GET', key) == ARGV[1] then
        redis.call('DEL', key)
    end
end
""")


class RedisCallLocations:
    """Stores the session of each open call under a digest of the client and the call's id."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
        """Returns the client's session that has made one of the calls."""
        found = await self._connection.run(FIND, [_key(client, it) for it in sorted(call_ids)])
        return None if found is None else SessionId(found.decode())

    async def move(
        self,
        session: Session,
        answered: Collection[str],
        opened: Collection[str],
        lifetime_s: float,
    ) -> None:
        """Deletes and adds keys in one step."""
        keys = [_key(session.client, it) for it in (*answered, *opened)]
        arguments = (session.id, max(1, round(lifetime_s * 1000)), len(answered))
        await self._connection.run(MOVE, keys, arguments)


def _key(client: ClientId, call_id: str) -> str:
    # A digest, because clients choose the ids of results.
    text = f"{len(client)} {client} {call_id}".encode("utf-8", "surrogatepass")
    return f"{PREFIX}session-call:{hashlib.sha256(text).hexdigest()[:32]}"
