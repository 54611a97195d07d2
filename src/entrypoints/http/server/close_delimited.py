"""Responses to HTTP/1.0 clients, which know no chunked framing: the connection's end is the body's.

uvicorn 0.54 frames every body without a length in chunks, whatever the client speaks.
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
        """Answers the request; a body that breaks off ends with a reset, never like a whole one."""
        cycle: RequestResponseCycle = send.__self__  # type: ignore[attr-defined]
        # RFC 9110, 10.1.1: a client of HTTP/1.0 does not know what 100 is.
        cycle.waiting_for_100_continue = False
        try:
            await self._app(scope, receive, _unframed(cycle, send))
        finally:
            if cycle.response_started and not cycle.response_complete:
                _reset(cycle.transport)


def _reset(transport: asyncio.Transport) -> None:
    """Closes with a reset, where the regular end would say that the body is whole."""
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
