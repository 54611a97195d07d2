"""One request on a connection, and its answer."""

import asyncio
from collections.abc import Callable
from math import inf

from modegate.http_client.connections.connection import Connection
from modegate.http_client.connections.sending import BodyWriter, start_sending
from modegate.http_client.errors import (
    ClosedError,
    HttpClientError,
    InvalidResponseError,
    ResponseTimeoutError,
)
from modegate.http_client.messages.deadlines import Deadlines
from modegate.http_client.messages.framing import Headers
from modegate.http_client.messages.request import Body, RequestHead

# Above this size the connection is read no further until the caller has taken what arrived.
HIGH_WATER_BYTES = 256 * 1024

Release = Callable[[Connection, bool], None]


class Exchange:
    """Sends one request, and reads its answer as it arrives.

    Close it after use. `release` then gets the connection, and whether it may be used again.
    `status` is 0 until the head has arrived; `headers` have no blanks around their values.
    """

    __slots__ = (
        *("_connection", "_error", "_loop", "_parser", "_paused", "_release", "_waiter"),
        *("_waits_since", "_writer", "deadlines", "headers", "status"),
    )

    def __init__(
        self, connection: Connection, method: str, deadlines: Deadlines, release: Release
    ) -> None:
        self.deadlines = deadlines
        self.status = 0
        self.headers: Headers = []
        self._loop = connection.loop
        self._connection: Connection | None = connection
        self._release = release
        self._parser = connection.parser_for(method)  # used only until `close`
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._waits_since = 0.0
        self._paused = False
        self._writer: BodyWriter | None = None
        connection.attach(self)

    @property
    def ended(self) -> bool:
        """Whether the body was read to its end, and the exchange is not closed."""
        is_open = self._connection is not None
        return is_open and self._parser.complete and not self._parser.pieces

    async def request(self, head: RequestHead, body: Body) -> None:
        """Sends the request, and waits for the head of the answer. Closes the exchange on failure.

        A stream is read and sent in the background.

        Raises:
            DisconnectedError: if the connection ended before anything of an answer came.
            InvalidResponseError: if the answer is malformed.
            ResponseTimeoutError: if a time bound expired.
        """
        try:
            self._writer = start_sending(self._open_connection(), head, body, self._fail)
            while not self.status:
                await self.arrival()
        except BaseException:
            self.close()
            raise

    async def read(self) -> bytes:
        """Returns what has arrived of the body, or waits for more; empty at the end.

        What arrived before a failure is returned first.

        Raises:
            ClosedError: if the exchange is closed.
            InvalidResponseError: if the answer is malformed or truncated.
            ResponseTimeoutError: if a time bound expired.
        """
        while (data := self.take()) is None:
            await self.arrival()
        return data

    def take(self) -> bytes | None:
        """Returns what has arrived of the body; empty at its end, None if `arrival` is to be awaited.

        With `arrival`, a reader of many pieces needs no coroutine for each of them, as with `read`.

        Raises:
            ClosedError: if the exchange is closed.
        """
        if self._connection is None:
            raise ClosedError("the exchange was closed")
        parser = self._parser
        pieces = parser.pieces
        if not pieces:
            return b"" if parser.complete else None
        parser.pieces, parser.size = [], 0
        if self._paused:
            self._paused = False
            self._connection.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def arrival(self) -> asyncio.Future[None]:
        """Returns a future that is done at the next arrival, or a failure. A coroutine costs more.

        Raises:
            ClosedError: if the exchange is closed.
            InvalidResponseError: if the answer is malformed or truncated.
            ResponseTimeoutError: if a time bound expired.
        """
        if self._error is not None:
            raise self._error
        connection = self._connection
        if connection is None:
            raise ClosedError("the exchange was closed")
        self._waits_since = now = self._loop.time()
        expiry = self.deadlines.expiry(now)
        if expiry <= now:  # the timer would lose against bytes that always come
            self._error = ResponseTimeoutError("no answer in time")
            raise self._error
        if expiry < connection.fires_at:
            connection.expire_at(expiry)
        self._waiter = self._loop.create_future()
        return self._waiter

    def take_whole(self) -> bytes | None:
        """Returns the body without waiting, if all of it has arrived; else None, and takes nothing.

        To be called before any other read.
        """
        return self.take() if self._parser.complete else None

    def close(self) -> None:
        """Releases the connection. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.detach()
        reusable = self._is_reusable and connection.has_sent_all
        if self._writer is not None:
            self._writer.stop()
        self._error = None  # its traceback references this object
        self._release(connection, reusable)

    def data_received(self, data: bytes) -> None:
        """Accepts bytes of the answer."""
        if self._error is not None:
            return
        parser = self._parser
        try:
            parser.feed(data)
        except InvalidResponseError as error:
            self._fail(error)
        # Not woken by bytes of the framing alone: these do not end a silence.
        wakes = parser.pieces or parser.complete
        if not self.status and parser.status:
            self.status, self.headers = parser.status, parser.headers
            wakes = True
        if parser.size > HIGH_WATER_BYTES and not self._paused and not parser.complete:
            self._paused = True
            self._open_connection().pause_reading()
        if wakes:
            self._wake()

    def connection_ended(self, *, cleanly: bool) -> None:
        """Ends the answer, which is complete if nothing else was to end it."""
        try:
            self._parser.feed_eof(cleanly=cleanly)
        except HttpClientError as error:
            self._fail(error)
        self._wake()

    def time_passed(self) -> float | None:
        """Ends an expired wait; returns the loop time at which the current wait expires, if any."""
        if self._waiter is None or self._waiter.done():
            return None
        expiry = self.deadlines.expiry(self._waits_since)
        if self._loop.time() < expiry:
            return None if expiry == inf else expiry
        self._fail(ResponseTimeoutError("no answer in time"))
        return None

    def writing_resumed(self) -> None:
        """Lets the body go on, if it is a stream."""
        if self._writer is not None:
            self._writer.resume()

    @property
    def _is_reusable(self) -> bool:
        parser = self._parser
        if self._paused or parser.unexpected or not (parser.complete and parser.keep_alive):
            return False
        return self._writer is None or self._writer.done

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise ClosedError("the exchange was closed")
        return self._connection

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Keeps the first error, and raises it to the caller behind what has arrived."""
        if self._error is None:
            self._error = error
        self._wake()
