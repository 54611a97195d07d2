"""What a request opens, it has until its client is gone; no longer.

The framework does not tell a responder that its client has left, and does not close a streamed body
that was cancelled (measured on Falcon 4.4 with uvicorn 0.54).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from modegate.domain.errors import ShuttingDownError
from modegate.entrypoints.http.middleware.client_connection import (
    ClientConnection,
    Headers,
    Message,
    Receive,
    Send,
)
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.middleware.early_rejections import REFUSED, empty_receive
from modegate.entrypoints.http.middleware.request_log import RECORD, RequestLog
from modegate.entrypoints.http.middleware.response_headers import request_id_of

App = Callable[[Message, Receive, Send], Awaitable[None]]
Beside = Callable[[Headers, Message, RequestLog], Awaitable[Headers]]
Observer = Callable[[RequestLog], None]

STACK = "modegate.opened"

log = logging.getLogger(__name__)


def exit_stack_of(scope: Message) -> AsyncExitStack:
    """The contexts of the request with this scope; they are left when it ends, however it ends."""
    stack: AsyncExitStack = scope[STACK]
    return stack


class RequestLifecycle:
    """Wraps an application: each request gets a stack of contexts, and ends when its client goes.

    `beside` gives a response's headers with those that all carry; `observe` is told of each request
    that has ended.
    """

    def __init__(self, app: App, drain: Draining, beside: Beside, observe: Observer) -> None:
        self._app = app
        self._drain = drain
        self._beside = beside
        self._observe = observe
        self._under_way: set[ClientConnection] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, or the server's start and end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # the server leaves out the body by itself
            scope = {**scope, "method": "GET"}
        named = dict(scope["headers"])
        record = RequestLog(scope["method"])
        record.request_id = request_id_of(named.get(b"x-request-id", b"").decode("latin-1"))
        has_body = b"content-length" in named or b"transfer-encoding" in named

        def head(own: Headers) -> Awaitable[Headers]:
            return self._beside(own, scope, record)

        client = ClientConnection(receive, send, head, record, has_body=has_body)
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
                    {**scope, REFUSED: ShuttingDownError()}, empty_receive(), client.send
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
        self._drain.is_draining = True
        handlers = [client.handler for client in self._under_way]
        if handlers:
            await asyncio.wait(handlers, timeout=patience)
        for client in list(self._under_way):
            client.cut()
