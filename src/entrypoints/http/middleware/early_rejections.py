"""Renders protocol-level rejections through the application.

So each such response has the common headers, and is logged and counted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import falcon
import falcon.asgi
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

Message = Mapping[str, Any]
App = Callable[..., Awaitable[None]]
Address = tuple[str, int | None] | None

REFUSED = "modegate.refused"
NOTHING: Message = {"type": "http.request", "body": b"", "more_body": False}


def raise_rejection(req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
    """Raises the error of a request that the server has rejected, and closes its connection."""
    error: Exception = req.scope[REFUSED]
    resp.set_header("Connection", "close")
    raise error


def empty_receive() -> Callable[[], Awaitable[Message]]:
    """Returns the `receive` of a client that sends no body and stays connected."""
    asked = [NOTHING]

    async def receive() -> Message:
        return asked.pop() if asked else await asyncio.Future()

    return receive


async def render_rejection(
    app: App, status: int, client: Address, server: Address, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """Returns the response of `app` as bytes, with `headers` before those of the app."""
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
