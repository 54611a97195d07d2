"""Opens a tunnel through a proxy."""

import asyncio
from typing import cast

from modegate.http_client.errors import ConnectError, InvalidResponseError
from modegate.http_client.messages.framing import FIRST_REDIRECT, FIRST_SUCCESS
from modegate.http_client.messages.request import encode_connect
from modegate.http_client.messages.response_parser import ResponseParser
from modegate.http_client.messages.route import Route


class Tunnel(asyncio.Protocol):
    """Sends `CONNECT` and reads the proxy's answer, until TLS takes over the transport."""

    def __init__(self) -> None:
        self._parser = ResponseParser("CONNECT")
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    async def open(self, route: Route) -> None:
        """Waits until the proxy has opened the tunnel.

        Raises:
            ConnectError: if the proxy refused, or did not answer in HTTP.
        """
        request = encode_connect(route)
        try:
            if self._transport is not None:
                self._transport.write(request)
            await self._answered
        finally:
            self._parser.close()
        # The upstream does not speak first, so further bytes are not the upstream's.
        if self._parser.unexpected or not FIRST_SUCCESS <= self._parser.status < FIRST_REDIRECT:
            raise ConnectError(f"the proxy answered with status {self._parser.status}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        try:
            self._parser.feed(data)
        except InvalidResponseError as error:
            self._fail(error)
        if self._parser.status and not self._answered.done():
            self._answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._fail(exc)

    def _fail(self, cause: Exception | None) -> None:
        if not self._answered.done():
            error = ConnectError("no answer of the proxy")
            error.__cause__ = cause
            self._answered.set_exception(error)
            self._answered.exception()  # else logged if the request was cancelled before `open`
