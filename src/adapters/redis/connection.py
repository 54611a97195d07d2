"""The connection to Redis or Valkey, through redis-py."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from modegate.adapters.redis.options import RedisOptions
from modegate.domain.storage import StorageFault, storage_error

T = TypeVar("T")

# One hash tag for all keys: a script may use several of them, which a cluster allows in one slot.
PREFIX = "{modegate}:"


class Script:
    """A Lua script, which the server runs as one step; known to it by its digest."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = ""


class RedisConnection:
    """A pool of connections to one store. Each call is bounded in time.

    Nothing is sent before the first call, so a gateway starts while its store is away.
    """

    def __init__(self, options: RedisOptions) -> None:
        self._timeout_s = options.timeout_s
        self._client: Redis = Redis.from_url(
            options.url,
            socket_connect_timeout=options.timeout_s,
            socket_timeout=options.timeout_s,
            health_check_interval=0,
        )

    async def call(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Returns what `work` returns for the client of redis-py.

        Raises:
            StorageError: the store does not answer in time, or with an error.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await work(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            raise storage_error(StorageFault.BUSY) from error

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
        """Runs a script, and loads it where the server does not have it.

        Raises:
            StorageError: the store does not answer in time, or with an error.
        """
        return await self.call(lambda client: _evaluate(client, script, keys, arguments))

    async def aclose(self) -> None:
        """Closes all connections. Idempotent."""
        await self._client.aclose()


async def _evaluate(
    client: Redis, script: Script, keys: Sequence[str], arguments: Sequence[Any]
) -> Any:
    if script.digest:
        try:
            return await client.evalsha(script.digest, len(keys), *keys, *arguments)
        except NoScriptError:  # the server has been started again
            pass
    script.digest = await client.script_load(script.source)
    return await client.evalsha(script.digest, len(keys), *keys, *arguments)
