"""The other end of a request: what it sends, what it is sent, and when it leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from modegate.dialects.chat.response import DONE, event
from modegate.domain.errors import ShuttingDownError
from modegate.entrypoints.http.messages.errors import internal_error, stream_error
from modegate.entrypoints.http.middleware.request_log import RequestLog

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
Head = Callable[[Headers], Awaitable[Headers]]

NO_BODY_YET: Mapping[str, Any] = {"type": "http.request", "body": b"", "more_body": True}
# Most answers are there before; a task for each would cost them more than it tells anybody.
WATCH_DELAY_S = 0.05
EVENT_STREAM = b"text/event-stream"


class ClientConnection:
    """The other end of a request; once the body is read, somebody waits for its leaving."""

    def __init__(
        self, receive: Receive, send: Send, head: Head, record: RequestLog, *, has_body: bool
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
            self._watch_soon = loop.call_later(WATCH_DELAY_S, self._start_watching)
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
            await self._send_whole(500, internal_error())

    async def send_cut(self) -> None:
        """The end of an answer that the gateway's own end cut off, in form."""
        error = ShuttingDownError()
        self.record.error = error.code
        if self._streams:
            last = event(stream_error(error)) + DONE
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
