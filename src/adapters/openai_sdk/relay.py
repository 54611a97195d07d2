"""The passthrough backend: bytes in, bytes out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial

from modegate.adapters.openai_sdk import errors
from modegate.adapters.openai_sdk.answers.complete_answer import whole_answer
from modegate.adapters.openai_sdk.answers.streamed_answer import Begun, begin_stream, events_of
from modegate.adapters.openai_sdk.endpoint import Endpoint, Endpoints
from modegate.adapters.openai_sdk.model_list import models_in
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.reporting import reported
from modegate.adapters.openai_sdk.retries import retrying
from modegate.adapters.openai_sdk.transport.body import AnswerBody
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.adapters.openai_sdk.transport.transport import Transport
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.health import PassthroughState
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse

# Seconds to read the rest of a finished stream before its connection is closed.
LAST_BYTES = 0.25


class PassthroughBackend:
    """Relays requests to the upstream, lists its models, and reports its state."""

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._endpoints = Endpoints(options)
        self._transport = Transport(options)

    def status(self) -> PassthroughState:
        """The backend's state, from the configuration."""
        if not self._options.enabled:
            return PassthroughState.DISABLED
        return PassthroughState.OK if self._options.api_key else PassthroughState.NO_KEY

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        """Relays one request; the body of a streamed response is yielded as it arrives."""
        if request.streamed:
            async with self._stream(request) as response:
                yield response
        else:
            yield await self._complete(request)

    async def list_models(self) -> list[dict[str, object]]:
        """Returns the upstream's model objects; empty if passthrough is not configured."""
        endpoint = self._endpoints.of(None) if self._options.enabled else None
        if endpoint is None:
            return []
        bound = min(self._options.models_timeout, self._options.first_byte)
        with reported():
            async with (
                asyncio.timeout(bound),
                await self._transport.models(endpoint) as answer,
            ):
                return models_in(await answer.body.read_all())

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()
        await self._endpoints.aclose()

    async def _complete(self, request: UpstreamRequest) -> UpstreamResponse:
        try:
            with reported():
                async with (
                    asyncio.timeout(self._options.first_byte) as bound,
                    await self._open(request) as answer,
                ):
                    return await self._read(answer, bound, request.choices)
        except UpstreamRefusalError as refusal:
            return refusal.response

    async def _read(self, answer: Answer, bound: asyncio.Timeout, choices: int) -> UpstreamResponse:
        body = b""
        while not body.strip() and (piece := await answer.body.read()):
            body += piece
        if not answer.body.ended:
            self._first_byte_came(bound)
            body = await answer.body.read_all(body)
        return whole_answer(answer.head, body, says_events=answer.says_events, choices=choices)

    @asynccontextmanager
    async def _stream(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        answer: Answer | None = None
        begun: Begun | None = None
        try:
            with reported():
                async with asyncio.timeout(self._options.first_byte) as bound:
                    answer = await self._open(request)
                    came = partial(self._first_byte_came, bound)
                    begun = await begin_stream(answer, request.choices, came)
            events = events_of(begun, answer.body, self._options.timeout)
            async with aclosing(events):
                yield UpstreamResponse(begun.head.status, begun.head.headers, events)
        except UpstreamRefusalError as refusal:
            if begun is not None:  # raised by the events: an error event in mid-stream
                raise
            yield refusal.response
        finally:
            if answer is not None:
                if begun is not None and begun.relay.done:
                    await _drain(answer.body)
                answer.close()

    def _first_byte_came(self, bound: asyncio.Timeout) -> None:
        """Restarts the time limit: the time after the first byte is bounded separately."""
        bound.reschedule(asyncio.get_running_loop().time() + self._options.timeout)

    async def _open(self, request: UpstreamRequest) -> Answer:
        ask = partial(self._transport.chat, self._endpoint(request), request.body)
        return await retrying(ask, self._options)

    def _endpoint(self, request: UpstreamRequest) -> Endpoint:
        if not self._options.enabled:
            raise errors.disabled()
        endpoint = self._endpoints.of(request.credential)
        if endpoint is None:
            raise errors.not_configured()
        return endpoint


async def _drain(body: AnswerBody) -> None:
    """Reads the last bytes of the body, so that the connection can be reused."""
    if body.ended:
        return
    with suppress(TimeoutError, GatewayError):
        async with asyncio.timeout(LAST_BYTES):
            await body.read_all()
