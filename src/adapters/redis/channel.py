"""One open connection that many callers use at once, each with its own answer."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from redis.exceptions import ConnectionError as ClosedError
from redis.exceptions import RedisError, ResponseError

from modegate.adapters.redis.store_socket import StoreSocket

# Seconds after its bound for which an answer is still read: the event loop may have been late, and
# then the answer is there already.
GRACE_S = 0.05

Answer = asyncio.Future[Any]


class ChannelLostError(Exception):
    """The connection broke before the answer came: the command may have been run or not.

    `is_silent` means that the server did not answer in time.
    """

    def __init__(self, cause: BaseException, *, is_silent: bool = False) -> None:
        super().__init__(str(cause) or type(cause).__name__)
        self.is_silent = is_silent


class Channel:
    """Sends commands at once and reads the answers in their order.

    A cancelled caller leaves its place in the order, so its answer reaches nobody else. One timer
    bounds all callers: the first in the order has waited longest. `on_lost` is called once, when the
    connection has broken.
    """

    def __init__(
        self,
        socket: StoreSocket,
        timeout_s: float,
        on_lost: Callable[["Channel", ChannelLostError], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._timeout_s = timeout_s
        self._on_lost = on_lost
        self._waiting: deque[tuple[Answer, float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = True
        self._reader = self._loop.create_task(self._read())

    @property
    def waiting(self) -> int:
        """The number of answers that have not come."""
        return len(self._waiting)

    async def ask(self, *command: Any) -> Any:
        """Sends a command and returns its answer.

        Raises:
            ResponseError: the server answered with an error.
            ChannelLostError: the connection broke, or the server is silent.
        """
        if not self._is_open:
            raise ChannelLostError(ClosedError("closed"))
        answer = self._loop.create_future()
        try:
            self._socket.write(*command)
        except (ClosedError, OSError) as error:
            raise ChannelLostError(error) from error
        self._waiting.append((answer, self._loop.time() + self._timeout_s))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._check, None)
        return await answer

    async def aclose(self) -> None:
        """Closes the connection; callers that wait get an error. Idempotent."""
        self._lose(ChannelLostError(ClosedError("closed")), reports=False)
        await asyncio.wait({self._reader})

    async def _read(self) -> None:
        while self._is_open:
            error: Exception | None = None
            found: Any = None
            try:
                found = await self._socket.read_response()
            except ResponseError as refusal:
                error = refusal
            except (RedisError, OSError) as broken:
                self._lose(ChannelLostError(broken))
                return
            except Exception as bug:  # noqa: BLE001 - an answer that cannot be parsed
                self._lose(ChannelLostError(bug))
                return
            if not self._waiting:
                self._lose(ChannelLostError(ClosedError("an answer to no command")))
                return
            answer, _ = self._waiting.popleft()
            if answer.done():  # its caller was cancelled
                continue
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

    def _check(self, late: Answer | None) -> None:
        """Loses the connection if the first answer is late, after a moment for the reader."""
        self._timer = None
        if not self._waiting:
            return
        first, due = self._waiting[0]
        left = due - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check, None)
        elif first is not late:
            self._timer = self._loop.call_later(GRACE_S, self._check, first)
        else:
            self._lose(ChannelLostError(TimeoutError("no answer in time"), is_silent=True))

    def _lose(self, error: ChannelLostError, *, reports: bool = True) -> None:
        if not self._is_open:
            return
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        self._reader.cancel()
        self._socket.abort()
        for answer, _ in self._waiting:
            if not answer.done():
                answer.set_exception(error)
        self._waiting.clear()
        if reports:
            self._on_lost(self, error)
