"""A link to the store that reconnects by itself, and fails at once while the store is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import MovedError, ReadOnlyError, RedisError

from modegate.adapters.redis.channel import Channel, ChannelLostError
from modegate.adapters.redis.store_socket import StoreSocket
from modegate.domain.errors import StorageError

# Seconds between attempts to reach a store that is away.
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
# Answers of a server that does not take writes any more, or does not have the keys. The command
# was not run.
ELSEWHERE = (ReadOnlyError, MovedError)

Failure = Exception


class AwayError(Exception):
    """The store cannot be reached. The cause is the reason."""


class Link:
    """Keeps one channel open. Nothing is sent before the first call.

    After a loss, callers wait for the first attempt to connect again, which is bounded in time. If
    it fails, the store counts as away: callers fail at once until a later attempt in the background
    has worked. `on_change` is called with the failure, or with None when the store is there.
    """

    def __init__(
        self,
        open_socket: Callable[[], Awaitable[StoreSocket]],
        timeout_s: float,
        on_change: Callable[[Failure | None], None] = lambda _: None,
    ) -> None:
        self._open_socket = open_socket
        self._timeout_s = timeout_s
        self._on_change = on_change
        self._channel: Channel | None = None
        self._failure: Failure | None = None
        self._is_closed = False
        self._connecting: asyncio.Task[None] | None = None
        self._first_attempt: asyncio.Future[None] | None = None
        self._retired: set[asyncio.Task[None]] = set()

    @property
    def failure(self) -> Failure | None:
        """Why the store is away; None while it is there, or has not been asked."""
        return self._failure

    async def ask(self, *command: Any) -> Any:
        """Sends a command and returns its answer.

        A server that has become a replica, or has handed the keys to another one, has run nothing:
        then the command is sent once more, to the server that has the keys now.

        Raises:
            AwayError: the store is away.
            ChannelLostError: the connection broke: the command may have been run or not.
            ResponseError: the server answered with an error.
            StorageError: the server is too old.
        """
        try:
            return await self._ask(command)
        except ELSEWHERE:
            return await self._ask(command)

    async def aclose(self) -> None:
        """Closes the connection. Idempotent."""
        self._is_closed = True
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait({connecting})
        if self._first_attempt is not None and not self._first_attempt.done():
            self._first_attempt.set_result(None)  # a task that had not begun has not done so
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.aclose()
        if self._retired:
            await asyncio.wait(self._retired)

    async def _ask(self, command: tuple[Any, ...]) -> Any:
        channel = self._channel or await self._opened()
        try:
            return await channel.ask(*command)
        except ELSEWHERE:
            self._retire(channel)
            raise

    async def _opened(self) -> Channel:
        if self._failure is None and not self._is_closed:
            if self._connecting is None:
                self._connect()
            assert self._first_attempt is not None  # noqa: S101 - made above
            await asyncio.shield(self._first_attempt)
            if self._channel is not None:
                return self._channel
        if isinstance(self._failure, StorageError):
            raise self._failure
        raise AwayError from self._failure

    def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self._first_attempt = loop.create_future()
        self._connecting = loop.create_task(self._reach(self._first_attempt))

    async def _reach(self, first_attempt: asyncio.Future[None]) -> None:
        """Tries until the store is reached."""
        pause_s = FIRST_PAUSE_S
        try:
            while not await self._try():
                if not first_attempt.done():
                    first_attempt.set_result(None)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            if not first_attempt.done():
                first_attempt.set_result(None)
            if not self._is_closed:
                self._connecting = None

    async def _try(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout_s):
                socket = await self._open_socket()
        except (RedisError, OSError, TimeoutError, StorageError) as error:
            self._note(error)
            return False
        except Exception as bug:  # noqa: BLE001 - the attempts must not end
            self._note(bug)
            return False
        self._channel = Channel(socket, self._timeout_s, self._lost)
        self._note(None)
        return True

    def _lost(self, channel: Channel, error: ChannelLostError) -> None:
        if channel is not self._channel:
            return
        self._channel = None
        if error.is_silent:
            self._note(error)
        if self._connecting is None and not self._is_closed:
            self._connect()

    def _retire(self, channel: Channel) -> None:
        """Uses another connection from now on; callers of this one still get their answers."""
        if channel is not self._channel:
            return
        self._channel = None
        closing = asyncio.get_running_loop().create_task(_close_when_idle(channel))
        self._retired.add(closing)
        closing.add_done_callback(self._retired.discard)

    def _note(self, failure: Failure | None) -> None:
        self._failure = failure
        self._on_change(failure)


async def _close_when_idle(channel: Channel) -> None:
    while channel.waiting:  # noqa: ASYNC110 - bounded by the channel itself
        await asyncio.sleep(0.01)
    await channel.aclose()
