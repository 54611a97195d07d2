"""What a request opens, it has until its client is gone; no longer.

The framework does not tell a responder that its client has left, and does not close a streamed body
that was cancelled (measured on Falcon 4.4 with uvicorn 0.54).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from modegate.domain.errors import ShuttingDownError
from modegate.entrypoints.http.carried import request_id_of
from modegate.entrypoints.http.drain import Drain
from modegate.entrypoints.http.errors import bug, cut_event
from modegate.entrypoints.http.record import RECORD, Record
from modegate.entrypoints.http.refusals import REFUSED, nothing_more
from modegate.entrypoints.http.wire import DONE, event

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
Beside = Callable[[Headers, Message, Record], Awaitable[Headers]]
Head = Callable[[Headers], Awaitable[Headers]]
Observer = Callable[[Record], None]

STACK = "modegate.opened"
NO_BODY_YET: Mapping[str, Any] = {"type": "http.request", "body": b"", "more_body": True}
# Most answers are there before; a task for each would cost them more than it tells anybody.
WATCHED_AFTER = 0.05
EVENT_STREAM = b"text/event-stream"

log = logging.getLogger(__name__)


def opened(scope: Message) -> AsyncExitStack:
    """The contexts of the request with this scope; they are left when it ends, however it ends."""
    stack: AsyncExitStack = scope[STACK]
    return stack


class Lifetime:
    """Wraps an application: each request gets a stack of contexts, and ends when its client goes.

    `beside` gives a response's headers with those that all carry; `observe` is told of each request
    that has ended.
    """

    def __init__(self, app: App, drain: Drain, beside: Beside, observe: Observer) -> None:
        self._app = app
        self._drain = drain
        self._beside = beside
        self._observe = observe
        self._under_way: set[_Client] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, or the server's start and end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # the server leaves out the body by itself
            scope = {**scope, "method": "GET"}
        named = dict(scope["headers"])
        record = Record(scope["method"])
        record.request_id = request_id_of(named.get(b"x-request-id", b"").decode("latin-1"))
        has_body = b"content-length" in named or b"transfer-encoding" in named

        def head(own: Headers) -> Awaitable[Headers]:
            return self._beside(own, scope, record)

        client = _Client(receive, send, head, record, has_body=has_body)
        self._under_way.add(client)
        try:
            async with AsyncExitStack() as stack:
                scope[STACK] = stack
                scope[RECORD] = record
                await self._app(scope, client.receive, client.send)
        except asyncio.CancelledError:
            if not client.cancelled_by_us():
                raise
            if client.was_cut and not client.answered:
                await self._app(
                    {**scope, REFUSED: ShuttingDownError()}, nothing_more(), client.send
                )
            elif client.was_cut:
                await client.send_cut()
        except Exception:
            log.exception("a request failed outside of every handler")
            await client.send_failure()
        finally:
            client.stop_watching()
            self._under_way.discard(client)
            record.end()
            self._observe(record)

    async def drain(self, patience: float) -> None:
        """Take no new requests, and end those that are under way after `patience` seconds."""
        self._drain.begun = True
        handlers = [client.handler for client in self._under_way]
        if handlers:
            await asyncio.wait(handlers, timeout=patience)
        for client in list(self._under_way):
            client.cut()


class _Client:
    """The other end of a request; once the body is read, somebody waits for its leaving."""

    def __init__(
        self, receive: Receive, send: Send, head: Head, record: Record, *, has_body: bool
    ) -> None:
        self.record = record
        self._head = head
        self.was_cut = False
        handler = asyncio.current_task()
        assert handler is not None  # noqa: S101 - a server calls it from a task
        self.handler: asyncio.Task[Any] = handler
        self._receive = receive
        self._send = send
        # The framework awaits a first message before it looks at the headers; these may say
        # enough to refuse a body that has not come yet.
        self._has_begun = not has_body
        self.answered = False
        self._streams = False
        self._begins_stream = False
        self._watch_soon: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self._gone = False

    async def receive(self) -> Mapping[str, Any]:
        """The next message of the client."""
        if not self._has_begun:
            self._has_begun = True
            return NO_BODY_YET
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._leave()
        elif not message.get("more_body", False):
            loop = asyncio.get_running_loop()
            self._watch_soon = loop.call_later(WATCHED_AFTER, self._start_watching)
        return message

    async def send(self, message: Message) -> None:
        """A message to the client; after the last one its leaving means nothing."""
        if message["type"] == "http.response.start":
            message = await self._start(message)
        elif not message.get("more_body", False):
            self.stop_watching()
        elif self._begins_stream:
            self._begins_stream = False
            self.record.begin_stream()
        await self._send(message)

    async def _start(self, message: Message) -> Message:
        headers = message.get("headers", ())
        self.answered = True
        self.record.status = message["status"]
        self._streams = self._begins_stream = any(
            name == b"content-type" and value.startswith(EVENT_STREAM) for name, value in headers
        )
        return {**message, "headers": await self._head(headers)}

    async def send_failure(self) -> None:
        """What is left to say where no handler said anything."""
        if not self.answered:
            await self._send_whole(500, bug())

    async def send_cut(self) -> None:
        """The end of an answer that the gateway's own end cut off, in form."""
        error = ShuttingDownError()
        self.record.error = error.code
        if self._streams:
            last = event(cut_event(error)) + DONE
            await self.send({"type": "http.response.body", "body": last})

    async def _send_whole(self, status: int, body: bytes) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def stop_watching(self) -> None:
        """Nobody needs to know any more.

        Nor does anybody keep the other: what held itself would wait for the garbage collector.
        """
        if self._watch_soon is not None:
            self._watch_soon.cancel()
            self._watch_soon = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def cut(self) -> None:
        """End the request now; not again, which would cut the release of what it opened."""
        if not self._is_ending:
            self.was_cut = True
            self.handler.cancel()

    def cancelled_by_us(self) -> bool:
        """Whether the handler was cancelled for its client's leaving, or cut, and nothing else."""
        return self._is_ending and self.handler.uncancel() == 0

    @property
    def _is_ending(self) -> bool:
        return self._gone or self.was_cut

    def _start_watching(self) -> None:
        self._watch = asyncio.create_task(self._wait_for_end())

    async def _wait_for_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self.record.client_left = True
        if not self._is_ending:
            self._gone = True
            self.handler.cancel()
