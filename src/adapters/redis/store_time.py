"""The time of the store, which is the same for all gateways."""

import asyncio
from collections.abc import Callable

from modegate.adapters.redis.connection import RedisConnection, Script

TIME = Script("return redis.call('TIME')")
# Seconds for which a comparison of the clocks is used.
FRESH_S = 10.0
# A smaller difference between two comparisons is the time that the messages take.
TOLERANCE_S = 0.25
# Fractions of a second of an offset: times of sessions stay exact when it is added and subtracted.
PARTS = 1024
MICROSECONDS = 1_000_000


class StoreTime:
    """Knows by how many seconds the store's clock is ahead of this gateway's.

    `now` is the gateway's clock for ages. The clocks of gateways may be apart; ages that are stored
    in the store's time are the same for all of them.
    """

    def __init__(self, connection: RedisConnection, now: Callable[[], float]) -> None:
        self._connection = connection
        self._now = now
        self._offset: float | None = None
        self._compared_at = 0.0

    async def offset(self) -> float:
        """Returns the seconds to add to the gateway's time.

        Raises:
            StorageError: the store cannot be asked.
        """
        asked_at = asyncio.get_running_loop().time()
        if self._offset is not None and asked_at - self._compared_at < FRESH_S:
            return self._offset
        before = self._now()
        seconds, micros = await self._connection.run(TIME, ())
        middle = (before + self._now()) / 2
        found = int(seconds) + int(micros) / MICROSECONDS - middle
        if self._offset is None or abs(found - self._offset) > TOLERANCE_S:
            self._offset = round(found * PARTS) / PARTS
        self._compared_at = asked_at
        return self._offset
