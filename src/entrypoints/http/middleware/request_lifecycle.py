"""The lifecycle of a request and of the contexts that it opens.

Falcon does not report a disconnect to a responder. It does not close a cancelled streamed body
(measured on Falcon 4.4 with uvicorn 0.54).
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from modegate.application.ports.request_observer import RequestObserver
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import limits
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.messages.relayed_stream import ResponseCutError
from modegate.entrypoints.http.middleware.client_connection import (
    CONNECTION,
    ClientConnection,
    Message,
    Receive,
    Send,
)
from modegate.entrypoints.http.middleware.client_ids import CLIENT_IDS, record_client_ids
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.middleware.early_rejections import REFUSED, empty_receive
from modegate.entrypoints.http.middleware.request_log import RECORD
from modegate.entrypoints.http.middleware.response_headers import CommonHeaders, request_id_of

App = Callable[[Message, Receive, Send], Awaitable[None]]

OnStart = Callable[[RequestRecord, Mapping[bytes, bytes]], None]

STACK = "modegate.opened"

log = logging.getLogger(__name__)


def exit_stack_of(scope: Message) -> AsyncExitStack:
    """Returns the request's exit stack, which is closed when the request ends.

    It is created when it is first needed: most requests have nothing to close.
    """
    stack: AsyncExitStack | None = scope.get(STACK)
    if stack is None:
        stack = scope[STACK] = AsyncExitStack()
    return stack


async def _end_failed(client: ClientConnection, error: Exception) -> None:
    """Ends a request that the application did not complete."""
    if isinstance(error, ResponseCutError):
        await client.abort()
        return
    if isinstance(error, GatewayError) and client.answered:  # such as a session that was lost
        await client.send_cut(error)
        return
    log.error("request failed outside all error handlers", exc_info=error)
    await client.send_failure()


class RequestLifecycle:
    """Wraps an application: opens an exit stack for each request, and cancels it on disconnect.

    `common` adds the common headers. The observers receive the record of each completed request.
    `on_start` receives the record and the headers of each request that begins.
    """

    def __init__(
        self,
        app: App,
        drain: Draining,
        common: CommonHeaders,
        observers: Sequence[RequestObserver],
        on_start: OnStart | None = None,
    ) -> None:
        self._on_start = on_start
        self._app = app
        self._drain = drain
        self._common = common
        self._observers = observers
        self._under_way: set[ClientConnection] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handles one request or the lifespan protocol."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord(scope["method"])
        if scope["method"] == "HEAD":  # uvicorn omits the body by itself
            scope = {**scope, "method": "GET"}
        client = ClientConnection(scope, receive, send, self._common, record)
        self._begin(record, client.headers)
        self._under_way.add(client)
        try:
            scope[RECORD], scope[CONNECTION] = record, client
            try:
                await self._app(scope, client.receive, client.send)
            except BaseException:
                if STACK not in scope or not await scope.pop(STACK).__aexit__(*sys.exc_info()):
                    raise
            if STACK in scope:
                await scope.pop(STACK).aclose()
        except asyncio.CancelledError:
            is_ours = client.cancelled_by_us()
            if client.was_cut or not is_ours:  # a second signal cancels all tasks
                await self._report_shutdown(scope, client)
            if not is_ours:
                raise
        except Exception as error:  # noqa: BLE001 - logged there
            await _end_failed(client, error)
        finally:
            scope.pop(CONNECTION, None)  # breaks the reference cycle
            self._end(client)

    def _begin(self, record: RequestRecord, headers: Mapping[bytes, bytes]) -> None:
        record.request_id = request_id_of(headers.get(b"x-request-id"))
        if not CLIENT_IDS.isdisjoint(headers):
            record_client_ids(record, headers)
        if self._on_start is not None:
            self._on_start(record, headers)

    def _end(self, client: ClientConnection) -> None:
        client.stop_watching()
        self._under_way.discard(client)
        client.record.end()
        for observer in self._observers:
            observer.observe(client.record)

    async def _report_shutdown(self, scope: Message, client: ClientConnection) -> None:
        if client.answered:
            await client.send_cut()
            return
        refused = {**scope, REFUSED: limits.shutting_down()}
        await self._app(refused, empty_receive(), client.send)

    async def announce_drain(self) -> None:
        """Reports that the gateway drains; returns when new requests are rejected."""
        while (delay := self._drain.end()) > 0:  # noqa: ASYNC110 - a timer may be early
            await asyncio.sleep(delay)

    async def drain(self, patience: float) -> None:
        """Rejects new requests, and cancels running requests after `patience` seconds."""
        self._drain.end()
        handlers = [client.handler for client in self._under_way]
        if handlers:
            await asyncio.wait(handlers, timeout=patience)
        for client in list(self._under_way):
            client.cut()
