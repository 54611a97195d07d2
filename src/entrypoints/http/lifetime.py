"""What a request opens, it has until its client is gone; no longer.

The framework does not tell a responder that its client has left, and does not close a streamed body
that was cancelled (measured on Falcon 4.4 with uvicorn 0.54).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

STACK = "modegate.opened"


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
        client = _Client(receive, send)
        try:
            async with AsyncExitStack() as stack:
                scope[STACK] = stack
                await self._app(scope, client.receive, client.send)
        except asyncio.CancelledError:
            if not client.cancelled_us():
                raise
        finally:
            client.stop_watching()


class _Client:
    """The other end of a request; once the body is read, somebody waits for its leaving."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._handler = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._gone = False

    async def receive(self) -> Mapping[str, Any]:
        """The next message of the client."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._watch = asyncio.create_task(self._wait_for_end())
        return message

    async def send(self, message: Message) -> None:
        """A message to the client; after the last one its leaving means nothing."""
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.stop_watching()
        await self._send(message)

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
        self._gone = True
        if self._handler is not None:
            self._handler.cancel()
