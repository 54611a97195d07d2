"""The commands of redis-py over a link."""

import inspect
from collections.abc import Mapping
from typing import Any, NoReturn

from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ResponseError

from modegate.adapters.redis.link import Link

NO_SERVER: Mapping[str, Any] = {"protocol": 2}


class LinkClient(Redis):
    """The client of redis-py; its commands share the one connection of a link.

    Pipelines, transactions and subscriptions need a connection of their own: use a script.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(connection_pool=ConnectionPool(**NO_SERVER))
        self._link = link

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Sends a command and returns its answer in redis-py's form."""
        options.pop(NEVER_DECODE, None)
        options.pop("keys", None)
        try:
            answer = await self._link.ask(*args)
        except ResponseError:
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise
        options.pop(EMPTY_RESPONSE, None)
        convert = self.response_callbacks.get(args[0])
        if convert is None:
            return answer
        found = convert(answer, **options)
        return await found if inspect.isawaitable(found) else found

    def pipeline(self, *_: Any, **__: Any) -> NoReturn:
        """Not supported."""
        raise NotImplementedError("a pipeline needs its own connection: use a script")

    def pubsub(self, **_: Any) -> NoReturn:
        """Not supported."""
        raise NotImplementedError("a subscription needs its own connection: poll instead")
