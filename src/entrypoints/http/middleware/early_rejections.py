"""What the server refuses before there is a request, told by the application.

So such an answer carries what every answer carries, is logged, and is counted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import falcon
import falcon.asgi
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from modegate.entrypoints.http.middleware.request_log import request_log_of

Message = Mapping[str, Any]
App = Callable[..., Awaitable[None]]
Address = tuple[str, int | None] | None

REFUSED = "modegate.refused"
NOTHING: Message = {"type": "http.request", "body": b"", "more_body": False}


class EarlyRejections:
    """Refuses what was refused already, and keeps its connection no longer."""

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Before anything is looked for."""
        error: Exception | None = req.scope.get(REFUSED)
        if error is not None:
            resp.set_header("Connection", "close")
            if mode := request_log_of(req).mode:
                resp.set_header("X-Backend-Mode", mode)
            raise error


def empty_receive() -> Callable[[], Awaitable[Message]]:
    """Where a client sends no body, and stays."""
    asked = [NOTHING]

    async def receive() -> Message:
        return asked.pop() if asked else await asyncio.Future()

    return receive


async def render_rejection(
    app: App, status: int, client: Address, server: Address, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """The response of `app`, with `headers` before its own, as it goes over the wire."""
    told: list[Message] = []

    async def send(message: Message) -> None:
        told.append(message)

    await app(_scope(status, client, server), empty_receive(), send)
    start, *body = told
    lines = (*headers, *start["headers"])
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    content = b"".join(message.get("body", b"") for message in body)
    return b"%b%b\r\n%b" % (STATUS_LINE[start["status"]], head, content)


def _scope(status: int, client: Address, server: Address) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "-",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": client,
        "server": server,
        REFUSED: falcon.HTTPError(status),
    }
