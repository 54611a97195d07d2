"""Kept responses in a store that several gateways share."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.dialects.stored_response import decode_response, encode_response
from modegate.domain.access.client import ClientId
from modegate.domain.errors import StorageError
from modegate.domain.kept_response import DEFAULT_LIMITS, KeptResponse, ResponseLimits

T = TypeVar("T")

VALUE = f"{PREFIX}response:"
OF_CLIENT = f"{PREFIX}responses-of:"
BY_AGE = f"{PREFIX}responses"
SIZES = f"{PREFIX}response-bytes"
# Expired responses that one call removes from the indexes.
PURGED_AT = 200
# A response of more characters, or bytes, is encoded and decoded in a thread.
LARGE = 65_536

# A member of both indexes is "SIZE ID CLIENT". The indexes and the sums of sizes change in one step;
# the sum of all has an empty name.
# Values expire by themselves, and leave their members behind.
DROP = """
local function drop(member)
    local size, id, client = string.match(member, '^(%d+) (%S+) (.*)$')
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', ARGV[2] .. client, member)
    redis.call('UNLINK', ARGV[1] .. client .. ':' .. id)
    if redis.call('HINCRBY', KEYS[2], client, -size) == 0 then
        redis.call('HDEL', KEYS[2], client)
    end
    redis.call('HINCRBY', KEYS[2], '', -size)
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local old = redis.call(
    'ZRANGE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[3]), 'BYSCORE', 'LIMIT', 0, ARGV[4]
)
for _, member in ipairs(old) do drop(member) end
"""
EXPIRE = Script(f"{DROP} return #old")
# KEYS: by age, sizes, value, of the client. ARGV: prefixes, time to live in µs, most to purge; id,
# client, value, most and bytes of the client, most and bytes in all.
PUT = Script(f"""{DROP}
local function make_place(index, field, most, bytes)
    while redis.call('ZCARD', index) > most
        or tonumber(redis.call('HGET', KEYS[2], field) or 0) > bytes do
        local oldest = redis.call('ZRANGE', index, 0, 0)[1]
        if not oldest then return end
        drop(oldest)
    end
end
local size = redis.call('STRLEN', KEYS[3])
if size > 0 then drop(size .. ' ' .. ARGV[5] .. ' ' .. ARGV[6]) end
redis.call('SET', KEYS[3], ARGV[7], 'PX', math.ceil(ARGV[3] / 1000))
local member = #ARGV[7] .. ' ' .. ARGV[5] .. ' ' .. ARGV[6]
now = string.format('%.0f', now)
redis.call('ZADD', KEYS[1], now, member)
redis.call('ZADD', KEYS[4], now, member)
redis.call('HINCRBY', KEYS[2], ARGV[6], #ARGV[7])
redis.call('HINCRBY', KEYS[2], '', #ARGV[7])
make_place(KEYS[4], ARGV[6], tonumber(ARGV[8]), tonumber(ARGV[9]))
make_place(KEYS[1], '', tonumber(ARGV[10]), tonumber(ARGV[11]))
""")
REMOVE = Script(f"""{DROP}
local size = redis.call('STRLEN', KEYS[3])
if size == 0 then return 0 end
drop(size .. ' ' .. ARGV[5] .. ' ' .. ARGV[6])
return 1
""")

log = logging.getLogger(__name__)


class RedisResponseStore:
    """Keeps responses until they expire on the store's clock, or until newer ones need their place."""

    def __init__(
        self, connection: RedisConnection, limits: ResponseLimits = DEFAULT_LIMITS
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._options = (VALUE, OF_CLIENT, round(limits.lifetime_s * 1_000_000), PURGED_AT)

    async def put(self, response: KeptResponse) -> None:
        """Keeps a response in one step of the server; the oldest make place."""
        limits, client = self._limits, response.client
        value = await _computed(
            response.characters, lambda: encode_response(response, limits.response_bytes)
        )
        if value is None:
            return
        keys = (BY_AGE, SIZES, _key(response.id, client), f"{OF_CLIENT}{client}")
        bounds = (limits.of_client, limits.client_bytes, limits.in_all, limits.all_bytes)
        arguments = (*self._options, response.id, client, value, *bounds)
        try:
            # Not on the connection for scripts: the limits of all requests would wait for a large one.
            await self._call(lambda redis: redis.eval(PUT.source, len(keys), *keys, *arguments))
        except StorageError:
            log.error("response %s could not be kept", response.id)  # noqa: TRY400
            raise

    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        """Returns a response of the client."""
        value = await self._call(lambda redis: redis.get(_key(response_id, client)))
        if value is None:
            return None
        try:
            return await _computed(len(value), lambda: decode_response(value))
        except ValueError as error:
            log.warning("response %s cannot be read: %s", response_id, error)
            return None

    async def remove(self, response_id: str, client: ClientId) -> bool:
        """Deletes a response of the client."""
        keys = (BY_AGE, SIZES, _key(response_id, client))
        return bool(await self._connection.run(REMOVE, keys, (*self._options, response_id, client)))

    async def expire(self) -> int:
        """Removes expired responses from the indexes."""
        return int(await self._connection.run(EXPIRE, (BY_AGE, SIZES), self._options))

    async def _call(self, work: Any) -> Any:
        # The stubs of redis-py say that these return a value or an awaitable.
        return await self._connection.call(lambda client: cast("Awaitable[Any]", work(client)))


def _key(response_id: str, client: ClientId) -> str:
    return f"{VALUE}{client}:{response_id}"  # an id has no colon


async def _computed(size: int, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work) if size > LARGE else work()
