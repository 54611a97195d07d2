"""What the server refuses before there is a request, told by the application.

So such an answer carries what every answer carries, is logged, and is counted.
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


class Refusals:
    """Answers what stands for no request with the status that the server chose."""

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """Before anything is looked for."""
        if REFUSED in req.scope:
            raise falcon.HTTPError(req.scope[REFUSED])


async def refusal(
    app: App, status: int, client: Address, server: Address, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """The response of `app`, with `headers` before its own, as it goes over the wire."""
    told: list[Message] = []
    asked = [NOTHING]

    async def receive() -> Message:
        return asked.pop() if asked else await asyncio.Future()

    async def send(message: Message) -> None:
        told.append(message)

    await app(_scope(status, client, server), receive, send)
    start, *body = told
    lines = (*headers, *start["headers"], (b"connection", b"close"))
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
        REFUSED: status,
    }
