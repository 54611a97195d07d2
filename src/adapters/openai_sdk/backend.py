"""The passthrough backend: bytes in, bytes out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial

import aiohttp

from modegate.adapters.openai_sdk import failures
from modegate.adapters.openai_sdk.answers import head_of, models_in, whole
from modegate.adapters.openai_sdk.endpoints import Endpoint, Endpoints
from modegate.adapters.openai_sdk.failures import translated
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.relay import SseRelay
from modegate.adapters.openai_sdk.retrying import retrying
from modegate.adapters.openai_sdk.transport import Transport
from modegate.domain.completion import Chunk
from modegate.domain.errors import BackendError
from modegate.domain.health import PassthroughState
from modegate.domain.turn import PassthroughTurn
from modegate.domain.verbatim import Verbatim

# How long a finished stream may keep its connection before it is given up.
LAST_BYTES = 0.25


class PassthroughBackend:
    """Hands turns on to the upstream; also tells how it is."""

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._endpoints = Endpoints(options)
        self._transport = Transport(options)

    def look(self) -> PassthroughState:
        """The backend's state, from the configuration."""
        if not self._options.enabled:
            return PassthroughState.DISABLED
        return PassthroughState.OK if self._options.api_key else PassthroughState.NO_KEY

    async def complete(self, turn: PassthroughTurn) -> Verbatim:
        """The upstream's answer, whatever it is, as it came."""
        with translated():
            async with asyncio.timeout(self._options.timeout):
                response = await self._open(turn, streams=False)
                async with response:
                    return await whole(response)

    @asynccontextmanager
    async def stream(self, turn: PassthroughTurn) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Status and headers first, then the upstream's events as they come."""
        with translated():
            async with asyncio.timeout(self._options.timeout):
                response = await self._open(turn, streams=True)
        relay = SseRelay(turn.choices)
        try:
            async with aclosing(_chunks(response, relay)) as chunks:
                yield chunks
        finally:
            if relay.done:
                await _drain(response)
            response.close()

    async def fetch(self) -> list[dict[str, object]]:
        """The upstream's model objects; none where passthrough is not configured."""
        endpoint = self._endpoints.of(None) if self._options.enabled else None
        if endpoint is None:
            return []
        with translated():
            async with (
                asyncio.timeout(self._options.timeout),
                await self._transport.models(endpoint) as response,
            ):
                return models_in(await response.read())

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()
        await self._endpoints.aclose()

    async def _open(self, turn: PassthroughTurn, *, streams: bool) -> aiohttp.ClientResponse:
        endpoint = self._endpoint(turn)
        ask = partial(self._transport.chat, endpoint, turn.body, streams=streams)
        return await retrying(ask, self._options)

    def _endpoint(self, turn: PassthroughTurn) -> Endpoint:
        if not self._options.enabled:
            raise failures.disabled()
        endpoint = self._endpoints.of(turn.upstream_key)
        if endpoint is None:
            raise failures.not_configured()
        return endpoint


async def _chunks(response: aiohttp.ClientResponse, relay: SseRelay) -> AsyncGenerator[Chunk, None]:
    head = head_of(response)
    yield head
    if not head.is_events:
        with translated():
            async for data in response.content.iter_any():
                yield data
        return
    broken: BackendError | None = None
    try:
        with translated():
            async for data in response.content.iter_any():
                if events := relay.feed(data):
                    yield events
                if relay.done:
                    break
    except BackendError as error:
        broken = error
    if last := relay.finish():
        yield last
    if not relay.whole:
        raise failures.cut() from broken


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read what little may follow, so that the connection can be used again."""
    if response.content.at_eof():
        return
    try:
        async with asyncio.timeout(LAST_BYTES):
            await response.read()
    except (TimeoutError, aiohttp.ClientError):
        return
