"""The connection to the client of a request: its messages, and its disconnect."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import falcon.asgi

from modegate.domain.errors import GatewayError, StorageError
from modegate.domain.errors.catalogue import limits
from modegate.domain.quota import Quota
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.messages.error_forms import (
    REQUEST_ID,
    error_form_of,
    is_of_anthropic,
)
from modegate.entrypoints.http.messages.errors import cut_of_chat, internal_error
from modegate.entrypoints.http.middleware.cancellation import CancellableRequest
from modegate.entrypoints.http.middleware.control import CONNECTION_CONTROL, ConnectionControl
from modegate.entrypoints.http.middleware.disconnect_watch import (
    DISCONNECT_WATCH,
    DisconnectWatch,
    ReceivingWatch,
)
from modegate.entrypoints.http.middleware.response_headers import (
    RESPONSE_HEAD,
    CommonHeaders,
    ResponseHead,
    as_headers,
)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]

NO_BODY_YET: Mapping[str, Any] = {"type": "http.request", "body": b"", "more_body": True}
EVENT_STREAM = b"text/event-stream"
EXTENSIONS = "extensions"
NO_EXTENSIONS: Mapping[str, Any] = {}
# Key in the ASGI scope, until the request ends.
CONNECTION = "modegate.connection"
CLOSE = (b"connection", b"close")
BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class ClientConnection(CancellableRequest):
    """Wraps ASGI receive and send; detects client disconnects once the body is read."""

    answered = False
    render_cut: Callable[[GatewayError], bytes] = staticmethod(cut_of_chat)
    _streams = False
    _begins_stream = False
    _is_complete = False

    def __init__(
        self,
        scope: Message,
        receive: Receive,
        send: Send,
        common: CommonHeaders,
        record: RequestRecord,
    ) -> None:
        self.record = record
        self._scope = scope
        # By name; of a header that was sent more than once, the last one.
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self._common = common
        extensions = scope.get(EXTENSIONS, NO_EXTENSIONS)
        self._head: ResponseHead | None = extensions.get(RESPONSE_HEAD)
        watch: DisconnectWatch | None = extensions.get(DISCONNECT_WATCH)
        self._disconnects = watch or ReceivingWatch(receive)
        self.control: ConnectionControl | None = extensions.get(CONNECTION_CONTROL)
        # Finding the running event loop is a system call until Python 3.12.
        handler = asyncio.current_task(self._disconnects.loop)
        assert handler is not None  # noqa: S101 - a server calls it from a task
        self.handler: asyncio.Task[Any] = handler
        self._receive = receive
        self._send = send
        # Falcon awaits a first message before it reads the headers, which may be enough to reject
        # a body that has not arrived yet.
        self._has_begun = BODY_HEADERS.isdisjoint(self.headers)

    async def receive(self) -> Mapping[str, Any]:
        """Returns the client's next message; after the body, watches for a disconnect."""
        if not self._has_begun:
            self._has_begun = True
            return NO_BODY_YET
        message = await self._receive()
        self._note_receipt(message)
        return message

    async def read_body(self, length: int) -> bytes:
        """Returns the body of a request that declares its `length` in bytes, after a first message.

        A tenth cheaper for a whole request than Falcon's stream (4 µs of 60).
        """
        pieces, missing = [], length
        while missing > 0:
            message = await self._receive()
            self._note_receipt(message)
            piece: bytes = message.get("body", b"")
            pieces.append(piece)
            missing -= len(piece)
            if not message.get("more_body", False):
                break
        return b"".join(pieces)[:length]

    def _note_receipt(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.disconnect":
            self.leave()
        elif not message.get("more_body", False):
            self._disconnects.start(self.leave)

    def send(self, message: Message) -> Awaitable[None]:
        """Sends a message; after the last one a disconnect has no effect.

        Not a coroutine, because each one costs a request about as much as a header.
        """
        if message.get("more_body"):  # most messages of a stream
            if self._begins_stream:
                self._begins_stream = False
                self.record.start_stream()
            return self._send(message)
        if message["type"] == "http.response.start":
            quota = self.record.quota
            return self._send_unlimited(message) if quota is None else self._start(message, quota)
        self.stop_watching()
        self._is_complete = True
        return self._send(message)

    async def _send_unlimited(self, message: Message) -> None:
        """Sends the head of a response to which no limit was applied: with its address's quota."""
        quota = None
        if self.record.error != StorageError.code:  # the store would not answer this either
            quota = await self._common.quota(self._scope)
        await self._start(message, quota)

    def _start(self, message: Message, quota: Quota | None) -> Awaitable[None]:
        own = message.get("headers", [])
        self._note_start(message["status"], named := dict(own))
        lines = self._common.lines(named, self.record, quota, streams=self._streams)
        if is_of_anthropic(self._scope["path"], self.headers) and REQUEST_ID not in named:
            lines += b"%b: %b\r\n" % (REQUEST_ID, (self.record.request_id or "").encode())
        if self._common.is_draining() and b"connection" not in named:
            own = [*own, CLOSE]  # not one of `lines`, because the server has to see it
            message = {**message, "headers": own}
        if self._head is None:
            message = {**message, "headers": [*own, *as_headers(lines)]}
        else:
            self._head.add_lines(lines)
        return self._send(message)

    def _note_start(self, status: int, named: Mapping[bytes, bytes]) -> None:
        self.answered = True
        self.record.status = status
        self._streams = named.get(b"content-type", b"").startswith(EVENT_STREAM)
        self._begins_stream = self._streams

    async def send_failure(self) -> None:
        """Sends an internal error if no response has started."""
        if not self.answered:
            form = error_form_of(self._scope["path"], self.headers, self.record.request_id)
            await self._send_whole(500, internal_error(form))

    async def send_cut(self, error: GatewayError | None = None) -> None:
        """Ends a stream that the shutdown, or `error`, cut with what `render_cut` returns.

        Does nothing if the response is complete, and only what the request opened was to be closed.
        """
        if self._is_complete:
            return
        error = error or limits.shutting_down()
        self.record.error = error.code
        if self._streams:
            await self.send({"type": "http.response.body", "body": self.render_cut(error)})

    async def abort(self) -> None:
        """Closes the connection in the middle of a response, and waits until it is closed.

        Raises:
            ConnectionAbortedError: if the server has to close it.
        """
        self.stop_watching()
        if self.control is None:
            raise ConnectionAbortedError
        self.control.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _send_whole(self, status: int, body: bytes) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            CLOSE,
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def stop_watching(self) -> None:
        """Stops watching for a disconnect, and breaks the reference cycle with the watch."""
        self._disconnects.stop(self.leave)


def connection_of(req: falcon.asgi.Request) -> ClientConnection:
    """Returns the connection of the current request."""
    connection: ClientConnection = req.scope[CONNECTION]
    return connection
