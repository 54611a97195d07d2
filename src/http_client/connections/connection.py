"""One connection, which carries one exchange at a time."""

import asyncio
import select
from collections.abc import Callable
from math import inf
from typing import Protocol, cast

from modegate.http_client.errors import DisconnectedError
from modegate.http_client.messages.response_parser import ResponseParser


class Receiver(Protocol):
    """Receives what happens on a connection while an exchange uses it."""

    def data_received(self, data: bytes) -> None:
        """Accepts bytes of the answer."""

    def connection_ended(self, *, cleanly: bool) -> None:
        """Accepts the end of the connection; `cleanly` means without an error."""

    def time_passed(self) -> float | None:
        """Ends an expired wait; returns the loop time at which the current wait expires, if any."""

    def writing_resumed(self) -> None:
        """Accepts that the transport has room for more data."""


class Connection(asyncio.Protocol):
    """Passes bytes to its receiver. Bytes or an end without a receiver close the connection.

    One timer serves all bounds of all exchanges: it is set only if a wait expires before the timer
    does, and then checks which wait is current. With a timer for each wait, a request costs about
    a tenth more.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._receiver: Receiver | None = None
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._parser: ResponseParser | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.fires_at = inf  # the loop time of the timer
        self._paused_writing = False
        self._is_spoilt = False
        self.idle_since = 0.0
        self.is_reused = False
        self.on_lost: Callable[[Connection], None] = _noop

    @property
    def is_open(self) -> bool:
        """Whether the connection is neither closed nor closing."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and not self._is_spoilt

    @property
    def is_quiet(self) -> bool:
        """Whether it is open and the socket has neither bytes nor an end to read.

        Bytes that wait there would become part of the next answer, because the event loop reads
        them only after the next request was written.
        """
        return self.is_open and not self.has_input

    @property
    def has_input(self) -> bool:
        """Whether the socket has bytes or an end to read."""
        return self._poll is not None and bool(self._poll.poll(0))

    @property
    def has_sent_all(self) -> bool:
        """Whether all written data was passed to the operating system."""
        return self._transport is not None and not self._transport.get_write_buffer_size()

    @property
    def can_write(self) -> bool:
        """Whether the transport has room for more data."""
        return not self._paused_writing

    def attach(self, receiver: Receiver) -> None:
        """Makes `receiver` receive what arrives from now on."""
        self._receiver = receiver

    def parser_for(self, method: str) -> ResponseParser:
        """Returns the connection's parser, ready for the answer to a request with `method`.

        A new one for each answer costs a request 1 %.
        """
        if self._parser is None:
            self._parser = ResponseParser(method)
        else:
            self._parser.begin(method)
        return self._parser

    def detach(self) -> None:
        """Makes nothing receive what arrives; anything that does closes the connection."""
        self._receiver = None

    def expire_at(self, when: float) -> None:
        """Makes the timer fire at the loop time `when`, which is earlier than `fires_at`."""
        if self._timer is not None:
            self._timer.cancel()
        self.fires_at = when
        self._timer = self.loop.call_at(when, self._look)

    def write(self, data: bytes) -> None:
        """Sends `data`.

        Raises:
            DisconnectedError: if the connection was lost.
        """
        if self._transport is None:
            raise DisconnectedError("disconnected before the request")
        self._transport.write(data)

    def pause_reading(self) -> None:
        """Reads no further until `resume_reading`."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Goes on reading."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def abort(self) -> None:
        """Closes the connection without sending what is left to send."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._receiver is None:
            self._is_spoilt = True
            self.abort()
        else:
            self._receiver.data_received(data)

    def eof_received(self) -> None:
        """Called by the event loop."""
        self._end(cleanly=True)
        self.abort()  # closing would first send what is left, to an upstream that has finished

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._transport = self._poll = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self.fires_at = None, inf
        self._end(cleanly=exc is None)
        if self._parser is not None:
            self._parser.close()
        self.on_lost(self)
        self.on_lost = _noop

    def pause_writing(self) -> None:
        """Called by the transport if its buffer is full."""
        self._paused_writing = True

    def resume_writing(self) -> None:
        """Called by the transport if its buffer has room again."""
        self._paused_writing = False
        if self._receiver is not None:
            self._receiver.writing_resumed()

    def _end(self, *, cleanly: bool) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.connection_ended(cleanly=cleanly)

    def _look(self) -> None:
        self._timer, self.fires_at = None, inf
        expiry = None if self._receiver is None else self._receiver.time_passed()
        if expiry is not None and self._transport is not None:
            self.expire_at(expiry)


def _noop(_: Connection) -> None:
    pass
