"""What a request opens, it has until its client is gone; no longer.

The framework does not tell a responder that its client has left, and does not close a streamed body
that was cancelled (measured on Falcon 4.4 with uvicorn 0.54).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from modegate.entrypoints.http.errors import bug
from modegate.entrypoints.http.record import RECORD, Record

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

STACK = "modegate.opened"
NO_BODY_YET: Mapping[str, Any] = {"type": "http.request", "body": b"", "more_body": True}

log = logging.getLogger(__name__)


def opened(scope: Message) -> AsyncExitStack:
    """The contexts of the request with this scope; they are left when it ends, however it ends."""
    stack: AsyncExitStack = scope[STACK]
    return stack


class Lifetime:
    """Wraps an application: each request gets a stack of contexts, and is cancelled when its client goes."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, or the server's start and end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # the server leaves out the body by itself
            scope = {**scope, "method": "GET"}
        client = _Client(receive, send, Record(scope["method"]), has_body=_has_body(scope))
        try:
            async with AsyncExitStack() as stack:
                scope[STACK] = stack
                scope[RECORD] = client.record
                await self._app(scope, client.receive, client.send)
        except asyncio.CancelledError:
            if not client.cancelled_us():
                raise
        except Exception:
            log.exception("a request failed outside of every handler")
            await client.send_failure()
        finally:
            client.stop_watching()
            client.record.write()


def _has_body(scope: Message) -> bool:
    names = {name for name, _ in scope["headers"]}
    return not names.isdisjoint((b"content-length", b"transfer-encoding"))


class _Client:
    """The other end of a request; once the body is read, somebody waits for its leaving."""

    def __init__(self, receive: Receive, send: Send, record: Record, *, has_body: bool) -> None:
        self.record = record
        self._receive = receive
        self._send = send
        # The framework awaits a first message before it looks at the headers; these may say
        # enough to refuse a body that has not come yet.
        self._has_begun = not has_body
        self._answered = False
        self._handler = asyncio.current_task()
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
            self._watch = asyncio.create_task(self._wait_for_end())
        return message

    async def send(self, message: Message) -> None:
        """A message to the client; after the last one its leaving means nothing."""
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.stop_watching()
        if message["type"] == "http.response.start":
            self.record.status = message["status"]
        self._answered = True
        await self._send(message)

    async def send_failure(self) -> None:
        """What is left to say where no handler said anything."""
        if self._answered:
            return
        body = bug()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def stop_watching(self) -> None:
        """Nobody needs to know any more."""
        if self._watch is not None:
            self._watch.cancel()

    def cancelled_us(self) -> bool:
        """Whether the handler was cancelled for the client's leaving, and for nothing else."""
        return self._gone and self._handler is not None and self._handler.uncancel() == 0

    async def _wait_for_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._gone = self.record.client_left = True
        if self._handler is not None:
            self._handler.cancel()
