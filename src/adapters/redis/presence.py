"""Which gateways use the store."""

import json
import logging
import uuid
from contextlib import suppress

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.domain.errors import StorageError

# Seconds without a sign of life after which a gateway does not count.
GONE_AFTER_S = 6.0
SEEN = f"{PREFIX}gateways-seen"
ABOUT = f"{PREFIX}gateways"

# Returns the number of gateways. The time is the store's.
BEAT = Script("""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2])
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now - ARGV[3], 'BYSCORE')) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
end
return redis.call('ZCARD', KEYS[1])
""")
PRESENT = Script("""
local time = redis.call('TIME')
local seen = redis.call('ZSCORE', KEYS[1], ARGV[1])
return seen and time[1] + time[2] / 1000000 - seen < tonumber(ARGV[2]) and 1 or 0
""")
LEAVE = Script("""
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
""")

log = logging.getLogger(__name__)


class RedisPresence:
    """Tells the store that this gateway lives, and knows which did so lately."""

    def __init__(self, connection: RedisConnection, started_at: float) -> None:
        self.id = uuid.uuid4().hex
        self._connection = connection
        self._about = json.dumps({"started_at": started_at})
        self._gateways = 1

    @property
    def is_up(self) -> bool:
        """Whether the store was there when it was last asked; True before that."""
        return self._connection.is_up

    @property
    def gateways(self) -> int:
        """The number of gateways that were last seen in the store, this one included."""
        return self._gateways

    async def beat(self) -> None:
        """Gives a sign of life.

        Raises:
            StorageError: the store is away.
        """
        found = await self._connection.run(
            BEAT, (SEEN, ABOUT), (self.id, self._about, GONE_AFTER_S)
        )
        before, self._gateways = self._gateways, max(1, int(found))
        if before != self._gateways:
            log.info("%d gateways use the store", self._gateways)

    async def is_present(self, gateway_id: str) -> bool:
        """Returns whether a gateway has given a sign of life lately.

        Raises:
            StorageError: the store is away.
        """
        return bool(await self._connection.run(PRESENT, (SEEN,), (gateway_id, GONE_AFTER_S)))

    async def leave(self) -> None:
        """Tells the store that this gateway ends; no-op while the store is away."""
        with suppress(StorageError):
            await self._connection.run(LEAVE, (SEEN, ABOUT), (self.id,))
