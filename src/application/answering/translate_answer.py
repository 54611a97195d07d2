"""The steps from a route to an upstream that speaks another dialect than the client.

parse → continue → encode → reserve → send → read → settle
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from modegate.application.answering.kept_responses import Answered, KeptResponses, each
from modegate.application.answering.routed_answer import (
    CompleteAnswer,
    RelayedAnswer,
    RoutedAnswer,
    StreamedAnswer,
)
from modegate.application.answering.translation import Translation, translation_of
from modegate.application.budgets.demand import demand_of
from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.credentials.attempts import Response
from modegate.application.ports.clock import Clock
from modegate.application.ports.ids import IdGenerator
from modegate.application.relay_request import FIRST_ERROR_STATUS, record_response, sticky_key_of
from modegate.application.upstream_checks import check_capabilities
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.application.usage.metering import Metering
from modegate.dialects.registry import DIALECTS
from modegate.dialects.tools_size import check_tools_size
from modegate.dialects.upstream_dialect import AnswerReader
from modegate.domain.access.client import Client
from modegate.domain.answer.events import AnswerEvent, Finished, TextDelta
from modegate.domain.answer.fold import fold
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.configuration import Configuration
from modegate.domain.credentials.selection import Strategy
from modegate.domain.errors import UpstreamRefusalError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import MAX_ANSWER_BYTES, UpstreamResponse
from modegate.domain.usage.estimates import prompt_estimate
from modegate.domain.usage.prices import PriceTable

# The headers that describe the body of an upstream's error, which is written anew.
OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding"})
JSON = ("content-type", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateAnswer:
    """Answers requests through upstreams that speak another dialect, complete or streamed."""

    asking: AskingForUsage
    metering: Metering
    budgets: ReserveBudget
    responses: KeptResponses
    clock: Clock
    ids: IdGenerator

    @asynccontextmanager
    async def translate(
        self,
        route: RelayRoute,
        body: ChatBody,
        client: Client,
        request: InboundRequest,
        configuration: Configuration,
    ) -> AsyncIterator[RoutedAnswer]:
        """Answers one request; leaving the context closes the exchange.

        An error of the upstream is one of the client's dialect, with the upstream's message.

        Raises:
            GatewayError: on entering, if the request was rejected or there is no usable answer; from
                the events, if the answer was cut.
        """
        record = request.record
        check_tools_size(body.content)
        check_capabilities(route.upstream, Capability.TEXT, body.params)
        params = await self.responses.with_items(body.params, client.id)
        meant = replace(body, params=params)
        parsed = translation_of(route, meant, request.dialect, configuration.media)
        asked = await self.responses.continued(parsed.asked, client.id)
        translation = replace(parsed, asked=asked)
        sending = self._send(translation, client, request, configuration.prices)
        asking = self.metering.asked(route, configuration.prices)
        demand = partial(demand_of, body, asking)
        async with self.budgets.around(sending, client, configuration, record, demand) as response:
            record_response(response, record)
            if response.status >= FIRST_ERROR_STATUS:
                yield RelayedAnswer(await _error(response, translation, record))
                return
            answered = Answered(asked, self._frame(translation, body), client.id)
            if asked.streamed:
                async with self._streamed(response, translation, answered) as answer:
                    yield answer
            else:
                yield await self._complete(response, translation, answered)

    def _send(
        self, translation: Translation, client: Client, request: InboundRequest, prices: PriceTable
    ) -> Response:
        route, record = translation.route, request.record
        outbound = UpstreamRequest(
            upstream=route.upstream,
            body=translation.content(),
            target=translation.target,
            unchanged=translation.target is not None,
            streamed=translation.asked.streamed,
            needs_usage=True,
            traceparent=record.traceparent,
            on_usage=self.metering.of_relay(route, record, prices),
        )
        sticky_key = ""
        if route.upstream.strategy is Strategy.STICKY:
            passed = translation.asked.passed
            sticky_key = sticky_key_of(passed, request.conversation(), client)
        return self.asking.send(route, outbound, {}, record, sticky_key)

    def _frame(self, translation: Translation, body: ChatBody) -> AnswerFrame:
        asked = translation.asked
        return AnswerFrame(
            completion_id=self.ids.completion_id(),
            created=int(self.clock.time_of_day()),
            model=asked.model,
            include_usage=asked.include_usage,
            ignored=translation.ignored,
            ignored_tools=asked.ignored_tools,
            echoed=asked.echoed,
            shows_reasoning=translation.shows_reasoning,
            prompt_tokens=prompt_estimate(len(body.content)),
            tools=asked.tools,
        )

    async def _complete(
        self, response: UpstreamResponse, translation: Translation, answered: Answered
    ) -> CompleteAnswer:
        events = translation.dialect.answer(await _content(response))
        completion = await fold(each(_with_prompt(events, answered.frame.prompt_tokens)))
        await self.responses.keep(answered, completion)
        return CompleteAnswer(answered.frame, completion)

    @asynccontextmanager
    async def _streamed(
        self, response: UpstreamResponse, translation: Translation, answered: Answered
    ) -> AsyncIterator[StreamedAnswer]:
        reader = translation.dialect.stream()
        async with aclosing(_batches(response, reader, answered.frame.prompt_tokens)) as batches:
            # Its first event, `Started`, says that the upstream answers; dialects render none.
            first, *following = await anext(batches)
            rest = _after(following, batches)
            if answered.asked.is_kept:
                rest = self.responses.keeping_batches(answered, rest)
            yield StreamedAnswer(answered.frame, first, _flat(rest), rest)


async def _after(
    first: Sequence[AnswerEvent], batches: AsyncIterator[Sequence[AnswerEvent]]
) -> AsyncGenerator[Sequence[AnswerEvent], None]:
    if first:
        yield first
    async for batch in batches:
        yield batch


async def _flat(batches: AsyncIterator[Sequence[AnswerEvent]]) -> AsyncIterator[AnswerEvent]:
    async for batch in batches:
        for event in batch:
            yield event


async def _batches(
    response: UpstreamResponse, reader: AnswerReader, prompt_tokens: int
) -> AsyncGenerator[Sequence[AnswerEvent], None]:
    """Yields the events of a stream, those together that come together; never an empty batch.

    Raises:
        GatewayError: the stream was cut, or reports an error.
    """
    try:
        if isinstance(response.body, bytes):
            if events := reader.feed(response.body):
                yield _with_prompt(_joined(events), prompt_tokens)
        else:
            async for piece in response.body:
                if events := reader.feed(piece):
                    yield _with_prompt(_joined(events), prompt_tokens)
    except UpstreamRefusalError:
        reader.end()  # raises what the event says, which has no form in the client's dialect
        raise errors.stream_cut() from None
    if events := reader.end():
        yield _with_prompt(events, prompt_tokens)


def _joined(events: Sequence[AnswerEvent]) -> Sequence[AnswerEvent]:
    """Returns the events with neighbouring texts as one: to write each costs as much as to read it."""
    if len(events) == 1:
        return events
    joined: list[AnswerEvent] = []
    for is_text, group in groupby(events, lambda it: isinstance(it, TextDelta)):
        if is_text:
            joined.append(TextDelta("".join(it.text for it in group if isinstance(it, TextDelta))))
        else:
            joined += group
    return joined


def _with_prompt(events: Sequence[AnswerEvent], tokens: int) -> Sequence[AnswerEvent]:
    """Returns the events; an estimated usage has the tokens of the prompt, too."""
    last = events[-1]
    if isinstance(last, Finished) and last.usage.estimated and not last.usage.prompt_tokens:
        usage = replace(last.usage, prompt_tokens=tokens)
        return [*events[:-1], replace(last, usage=usage)]
    return events


async def _content(response: UpstreamResponse) -> bytes:
    if isinstance(response.body, bytes):
        return response.body
    pieces: list[bytes] = []
    size = 0
    async for piece in response.body:
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise errors.answer_too_long(MAX_ANSWER_BYTES)
    return b"".join(pieces)


async def _error(
    response: UpstreamResponse, translation: Translation, record: RequestRecord
) -> UpstreamResponse:
    """Returns the upstream's error in the client's dialect."""
    facts = translation.dialect.error(response.status, await _content(response))
    dialect = DIALECTS[translation.client_dialect]
    status, body = dialect.error(replace(facts, request_id=record.request_id))
    kept = (it for it in response.headers if it[0] not in OF_THE_BODY)
    return UpstreamResponse(status, (JSON, *kept), body)
