"""The passthrough backend: bytes in, bytes out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial

from modegate.adapters.openai_sdk.answers.complete_answer import plain_answer, whole_answer
from modegate.adapters.openai_sdk.answers.ends import drain, error_response
from modegate.adapters.openai_sdk.answers.passed_on import pieces_of
from modegate.adapters.openai_sdk.answers.sse_relay import SseRelay
from modegate.adapters.openai_sdk.answers.streamed_answer import Begun, begin_stream, events_of
from modegate.adapters.openai_sdk.answers.usage.chunks import ChunkUsage
from modegate.adapters.openai_sdk.answers.usage.content import ContentUsage, content_usage
from modegate.adapters.openai_sdk.answers.usage.reports import report_content, report_cut
from modegate.adapters.openai_sdk.complete_exchange import CompleteExchange
from modegate.adapters.openai_sdk.endpoint import Endpoints
from modegate.adapters.openai_sdk.model_list import models_in
from modegate.adapters.openai_sdk.opening import Opening
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.reporting import reported
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.adapters.openai_sdk.transport.transport import Transport
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.routing.upstream import Upstream
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.http_client.messages.deadlines import Deadlines


class PassthroughBackend:
    """Relays requests to upstreams, and lists their models."""

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._endpoints = Endpoints(options.clients)
        self._transport = Transport(options)
        self._opening = Opening(options, self._endpoints, self._transport)

    def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Relays one request; the body of a streamed response is yielded as it arrives."""
        if request.unchanged:
            return self._pass_on(request, credential)
        if request.streamed:
            return self._stream(request, credential)
        return CompleteExchange(self._complete, request, credential)

    async def list_models(
        self, upstream: Upstream, credential: Credential
    ) -> list[dict[str, object]]:
        """Returns an upstream's model objects."""
        endpoint = self._endpoints.of(upstream, credential)
        bound = min(self._options.models_timeout, self._options.first_byte)
        with reported:
            async with (
                asyncio.timeout(bound),
                await self._transport.models(endpoint) as answer,
            ):
                return models_in(await answer.body.read_all())

    def reconfigure(self, options: UpstreamOptions) -> None:
        """Uses other options for later requests."""
        self._options = self._opening.options = options
        self._transport.reconfigure(options)
        self._endpoints.forget()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()

    async def _complete(self, request: UpstreamRequest, credential: Credential) -> UpstreamResponse:
        answer: Answer | None = None
        try:
            with reported:
                deadlines = self._opening.deadlines(request)
                answer = await self._opening.open(request, credential, deadlines)
                try:  # cheaper than an asynchronous context, and nothing is awaited to close it
                    return await self._read(answer, deadlines, request)
                finally:
                    answer.close()
        except UpstreamRefusalError as refusal:
            return error_response(refusal)
        except (GatewayError, asyncio.CancelledError) as error:
            report_cut(request, error, answer)
            raise

    async def _read(
        self, answer: Answer, deadlines: Deadlines, request: UpstreamRequest
    ) -> UpstreamResponse:
        body = answer.body.take_whole()
        if body is None:
            body = await self._read_slowly(answer, deadlines)
        if (plain := plain_answer(answer.head, body, request)) is not None:
            return plain
        return whole_answer(answer.head, body, says_events=answer.says_events, request=request)

    async def _read_slowly(self, answer: Answer, deadlines: Deadlines) -> bytes:
        """Returns a body that arrives later than its head, or is encoded."""
        body = b""
        while not body.strip() and (piece := await answer.body.read()):
            body += piece
        if not answer.body.ended:
            self._opening.first_byte_came(deadlines)
            body = await answer.body.read_all(body)
        return body

    @asynccontextmanager
    async def _stream(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        answer: Answer | None = None
        begun: Begun | None = None
        relay = SseRelay(request.choices, ChunkUsage(request.body_size, hides=request.hides_usage))
        try:
            with reported:
                deadlines = self._opening.deadlines(request)
                answer = await self._opening.open(request, credential, deadlines)
                came = partial(self._opening.first_byte_came, deadlines)
                begun = await begin_stream(answer, relay, came)
            events = events_of(begun, answer.body, self._options.timeout)
            async with aclosing(events):
                yield UpstreamResponse(begun.head.status, begun.head.headers, events)
        except UpstreamRefusalError as refusal:
            if begun is not None:  # raised by the events: an error event in mid-stream
                raise
            yield error_response(refusal)
        except (GatewayError, asyncio.CancelledError) as error:
            if begun is None:
                report_cut(request, error, answer)
            raise
        finally:
            if begun is not None:
                request.on_usage(*relay.usage.total())
            if answer is not None:
                if relay.done:
                    await drain(answer.body)
                answer.close()

    @asynccontextmanager
    async def _pass_on(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        """Relays an answer unchanged, piece by piece, and observes its usage."""
        answer: Answer | None = None
        usage: ContentUsage | None = None
        try:
            with reported:
                deadlines = self._opening.deadlines(request)
                answer = await self._opening.open(request, credential, deadlines)
            usage = content_usage(answer.media_type, request.spending, request.upstream.kind)
            pieces = pieces_of(answer, self._options.timeout, usage)
            async with aclosing(pieces):
                head = answer.content_head
                yield UpstreamResponse(head.status, head.headers, pieces)
        except UpstreamRefusalError as refusal:
            if answer is not None:
                raise
            yield error_response(refusal)
        except asyncio.CancelledError as error:
            if answer is None:
                report_cut(request, error, answer)
            raise
        finally:
            if usage is not None:
                report_content(request, usage)
            if answer is not None:
                answer.close()
