"""Sends responses to HTTP/1.0 clients, which do not support chunked framing.

The end of the connection marks the end of the body. uvicorn 0.54 sends every body without a length
in chunks, regardless of the client's HTTP version.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

Message = dict[str, Any]
App = Callable[..., Awaitable[None]]
Send = Callable[[Message], Awaitable[None]]

VERSION = "1.0"
LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


class CloseDelimited:
    """Wraps an application for one HTTP/1.0 request, after which uvicorn closes the connection."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Send) -> None:
        """Handles the request; resets the connection if the body is cut."""
        cycle: RequestResponseCycle = send.__self__  # type: ignore[attr-defined]
        # RFC 9110, 10.1.1: HTTP/1.0 has no 100 (Continue).
        cycle.waiting_for_100_continue = False
        try:
            await self._app(scope, receive, _unframed(cycle, send))
        finally:
            if cycle.response_started and not cycle.response_complete:
                _reset(cycle.transport)


def _reset(transport: asyncio.Transport) -> None:
    """Resets the connection; a regular close would mark the body as complete."""
    connection = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT_AT_ALL)
        transport.abort()


def _unframed(cycle: RequestResponseCycle, send: Send) -> Send:
    has_length = False

    async def unframed(message: Message) -> None:
        nonlocal has_length
        if message["type"] == "http.response.start":
            has_length = any(name.lower() == b"content-length" for name, _ in message["headers"])
            cycle.chunked_encoding = None if has_length else False
        elif not has_length:
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return unframed
