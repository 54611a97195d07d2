"""Rows with revisions, which gateways change one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.domain.errors.catalogue import storage

T = TypeVar("T")
Row = tuple[int, bytes]

# Attempts to change a row before others; each fails only if another gateway's has worked.
ATTEMPTS = 20
ABSENT = 0

LOAD = Script("""
local ids = redis.call('ZRANGE', KEYS[2], '(' .. ARGV[1], '+inf', 'BYSCORE', 'WITHSCORES')
local found = {}
for at = 1, #ids, 2 do
    found[#found + 1] = ids[at]
    found[#found + 1] = ids[at + 1]
    found[#found + 1] = redis.call('HGET', KEYS[1], ids[at])
end
return found
""")
READ = Script("""
local found = {}
for _, id in ipairs(ARGV) do
    found[#found + 1] = redis.call('ZSCORE', KEYS[2], id) or '0'
    found[#found + 1] = redis.call('HGET', KEYS[1], id) or ''
end
return found
""")
# All rows or none. Revisions are also above those of a store that has lost its data, which other
# gateways have read.
WRITE = Script("""
for at = 1, #ARGV, 3 do
    if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[at]) or 0) ~= tonumber(ARGV[at + 1]) then
        return false
    end
end
local time = redis.call('TIME')
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2] or 0
local revision = math.max(tonumber(last) + 1, time[1] * 1000000 + time[2])
local revisions = {}
for at = 1, #ARGV, 3 do
    local text = string.format('%.0f', revision)
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
    redis.call('ZADD', KEYS[2], text, ARGV[at])
    revisions[#revisions + 1] = text
    revision = revision + 1
end
return revisions
""")


class Revisions:
    """A table of rows by id. A write is refused if a row was changed since it was read."""

    def __init__(self, connection: RedisConnection, name: str) -> None:
        self._connection = connection
        self._keys = (f"{PREFIX}{name}", f"{PREFIX}{name}-revisions")
        self._changing = asyncio.Lock()

    async def load(self, after: int) -> Sequence[tuple[str, int, bytes]]:
        """Returns the id, the revision and the content of each row changed after a revision."""
        found = await self._connection.run(LOAD, self._keys, (after,))
        return [
            (found[at].decode(), int(float(found[at + 1])), found[at + 2])
            for at in range(0, len(found), 3)
        ]

    async def change(
        self, ids: Sequence[str], apply: Callable[[Mapping[str, Row]], Mapping[str, str]]
    ) -> Sequence[int]:
        """Replaces rows by what `apply` returns for the present ones, and returns their revisions.

        What `apply` raises is raised, and nothing is changed. A cancellation does not interrupt it.

        Raises:
            StorageError: the store cannot be used, or is changed without pause.
        """
        return await _uninterrupted(self._change(ids, apply))

    async def _change(
        self, ids: Sequence[str], apply: Callable[[Mapping[str, Row]], Mapping[str, str]]
    ) -> Sequence[int]:
        async with self._changing:
            for _ in range(ATTEMPTS):
                found = await self._connection.run(READ, self._keys, ids)
                rows = {
                    it: (int(float(found[2 * at])), found[2 * at + 1]) for at, it in enumerate(ids)
                }
                present = {it: row for it, row in rows.items() if row[0] != ABSENT}
                changed = apply(present)
                arguments: list[object] = []
                for row_id, text in changed.items():
                    arguments += (row_id, rows[row_id][0], text)
                revisions = await self._connection.run(WRITE, self._keys, arguments)
                if revisions is not None:
                    return [int(it) for it in revisions]
        raise storage.store_away()


async def _uninterrupted(work: Awaitable[T]) -> T:
    return await asyncio.shield(asyncio.ensure_future(work))
