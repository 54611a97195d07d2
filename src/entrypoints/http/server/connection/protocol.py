"""The HTTP/1.1 protocol: limits of time and size, and errors as OpenAI error objects."""

import asyncio
import logging
from functools import partial

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from modegate.entrypoints.http.middleware.client_connection import EXTENSIONS
from modegate.entrypoints.http.middleware.control import CONNECTION_CONTROL, ConnectionControl
from modegate.entrypoints.http.middleware.crowding import SURPLUS
from modegate.entrypoints.http.middleware.disconnect_watch import DISCONNECT_WATCH, DisconnectWatch
from modegate.entrypoints.http.middleware.early_rejections import render_rejection
from modegate.entrypoints.http.middleware.response_headers import RESPONSE_HEAD
from modegate.entrypoints.http.server.connection import close_delimited
from modegate.entrypoints.http.server.connection.close_delimited import CloseDelimited
from modegate.entrypoints.http.server.connection.foreign_protocols import advice_for
from modegate.entrypoints.http.server.connection.head_coalescing import HeadCoalescingTransport
from modegate.entrypoints.http.server.connection.head_limits import (
    HEAD_LIMIT,
    HeadTooLargeError,
    UnknownVersionError,
    size_of,
)
from modegate.entrypoints.http.server.connection.idle_timeout import IdleTimeout
from modegate.entrypoints.http.server.connection.patience import Patience
from modegate.entrypoints.http.server.connection.upgrade_filter import UpgradeFilter

VERSIONS = frozenset({close_delimited.VERSION, "1.1"})
# Seconds from the start of a connection or request to the request's last byte.
PATIENCE = 60.0
# Seconds without reading after which a client counts as disconnected.
LONGEST_STALL = 120.0
# Requests that may wait behind the one that is being answered, before the server reads no further.
# Each takes at most its head and uvicorn's 64 KiB of its body.
MAX_PIPELINED = 8

log = logging.getLogger(__name__)


class GatewayProtocol(HttpToolsProtocol):
    """Rejects invalid HTTP, too large heads and too slow requests with an error object."""

    # True if the connection exceeds the number that the server can serve.
    is_surplus = False
    _in_head = True
    _whole = False
    _has_received = False
    _head_size = 0
    _may_exceed = True
    _fault = 400
    # The request that is being answered, if another one was received behind it.
    _answering: RequestResponseCycle | None = None
    _stall: asyncio.TimerHandle | None = None
    _refusal: asyncio.Task[None] | None = None

    def close_if_idle(self) -> bool:
        """Closes the connection if it waits for another request; returns whether it did."""
        if not self._idle.is_running or self.transport.is_closing():
            return False
        self.transport.close()
        return True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timeout for the first request."""
        self._lingering = HeadCoalescingTransport(transport, self._is_receiving)
        super().connection_made(self._lingering)
        self._idle = IdleTimeout(
            self.loop, self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self._offers = UpgradeFilter()
        self._watch = DisconnectWatch(self.loop)
        self._patience = Patience(self.loop, self.flow, partial(self._refuse, 408))
        control = ConnectionControl(self._patience.expect_upload, self._lingering.close)
        self._extensions = {
            DISCONNECT_WATCH: self._watch,
            CONNECTION_CONTROL: control,
            RESPONSE_HEAD: self._lingering,
        }
        self._patience.start(PATIENCE)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops all timers after a disconnect."""
        self._patience.stop()
        self._idle.close()
        self._lingering.stop_lingering()
        self.resume_writing()
        super().connection_lost(exc)
        if self._answering is not None:
            # uvicorn informs only the request that was received last.
            self._answering.disconnected = True
            self._answering.message_event.set()
        self._watch.report()

    def pause_writing(self) -> None:
        """Starts the timeout for a client that does not read."""
        super().pause_writing()
        self._stall = self.loop.call_later(LONGEST_STALL, self.transport.abort)

    def resume_writing(self) -> None:
        """Stops that timeout when the client reads again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def data_received(self, data: bytes) -> None:
        """Parses received bytes and enforces the limits; discards bytes after a rejection."""
        self._has_received = True
        self._idle.stop()
        if self._refusal is not None or self._lingering.lingers:
            return
        if self._in_head:
            data = self._offers.feed(data)
        # Most heads come in one small piece, and need not be measured.
        self._may_exceed = self._head_size + len(data) > HEAD_LIMIT
        super().data_received(data)
        if self._refusal is not None and self.cycle is None and (advice := advice_for(data)):
            log.warning(advice)
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT and not self._whole:
                self._refuse(431)
        if self._whole:
            self._patience.stop()
        else:
            self._patience.start(PATIENCE)

    def on_message_begin(self) -> None:
        """Resets the limits at the start of a request."""
        self._in_head, self._whole, self._head_size = True, False, 0
        self._patience.expects_upload = False
        super().on_message_begin()
        self.scope[EXTENSIONS] = self._extensions  # type: ignore[literal-required]

    def on_headers_complete(self) -> None:
        """Starts the request; an exception here stops the parser."""
        self._in_head = False
        if self._may_exceed and size_of(self.url, self.headers) > HEAD_LIMIT:
            self._fault = 431
            raise HeadTooLargeError
        version = self.parser.get_http_version()
        if version not in VERSIONS:
            raise UnknownVersionError
        if self.is_surplus:
            self.scope[SURPLUS] = True  # type: ignore[literal-required]
        latest: RequestResponseCycle | None = self.cycle
        if version == close_delimited.VERSION:
            self._begin_close_delimited()
        else:
            super().on_headers_complete()
        if len(self.pipeline) == 1:
            self._answering = latest
        if 0 < len(self.pipeline) <= MAX_PIPELINED:
            # uvicorn reads no more behind a pipelined request, and so would see no disconnect.
            self.flow.resume_reading()

    def _begin_close_delimited(self) -> None:
        app, self.app = self.app, CloseDelimited(self.app)
        try:
            super().on_headers_complete()
        finally:
            self.app = app

    def on_message_complete(self) -> None:
        """Records that the request was received completely."""
        self._whole = self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Bounds the time for the rest of a request that was answered early."""
        self._patience.expects_upload = False
        if self.pipeline or self.transport.is_closing():
            if self.pipeline:
                self._answering = self.pipeline[-1][0]
            super().on_response_complete()
            return
        # As uvicorn does, but without a timer for each response.
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle.start()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Rejects the request: the stopped parser cannot find the start of the next one."""
        self._refuse(self._fault)

    def _is_receiving(self) -> bool:
        """Whether the client may still send bytes that will not be read."""
        return self._has_received and (self._refusal is not None or not self._whole)

    def _refuse(self, status: int) -> None:
        """Stops reading and responds with an error."""
        self._patience.stop()
        if self._refusal is None and not self.transport.is_closing():
            self.transport.pause_reading()
            self._refusal = self.loop.create_task(self._say(status))

    async def _say(self, status: int) -> None:
        """Sends the error unless a response has started, then closes the connection."""
        try:
            headers = self.server_state.default_headers
            response = await render_rejection(self.app, status, self.client, self.server, headers)
            if self._may_speak():
                self.transport.write(response)
        finally:
            self.transport.close()

    def _may_speak(self) -> bool:
        """Whether no response is in progress or was sent before the end of its request."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or not cycle.response_started:
            return True
        return cycle.response_complete and self._in_head
