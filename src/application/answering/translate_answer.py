"""The steps from a route to an upstream that speaks another dialect than the client.

parse → continue → encode → reserve → send → read → settle
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial

from modegate.application.answering.kept_responses import Answered, KeptResponses
from modegate.application.answering.routed_answer import (
    CompleteAnswer,
    RelayedAnswer,
    RoutedAnswer,
    StreamedAnswer,
)
from modegate.application.answering.sealed_thoughts import SealedThoughts
from modegate.application.answering.translated_events import (
    after,
    content_of,
    flat,
    mapped,
    one_batch,
    streamed_batches,
    with_prompt,
)
from modegate.application.answering.translated_exchange import send_with_thoughts
from modegate.application.answering.translation import Translation, translation_of
from modegate.application.budgets.demand import demand_of
from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.credentials.attempts import Response
from modegate.application.ports.clock import Clock
from modegate.application.ports.ids import IdGenerator
from modegate.application.relay_request import FIRST_ERROR_STATUS, record_response, sticky_key_of
from modegate.application.upstream_checks import check_capabilities
from modegate.application.upstream_ids import translated_headers
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.application.usage.metering import Metering
from modegate.dialects.registry import DIALECTS
from modegate.dialects.tools_size import check_tools_size
from modegate.domain.access.client import Client
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.fold import fold
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.configuration import Configuration
from modegate.domain.credentials.selection import Strategy
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.domain.usage.estimates import prompt_estimate
from modegate.domain.usage.prices import PriceTable
from modegate.lazy_dataclass import dataclass

JSON = ("content-type", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateAnswer:
    """Answers requests through upstreams that speak another dialect, complete or streamed."""

    asking: AskingForUsage
    metering: Metering
    budgets: ReserveBudget
    responses: KeptResponses
    thoughts: SealedThoughts
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
        asked = await self.thoughts.opened(asked, client.id, parsed.origin)
        translation = replace(parsed, asked=asked)
        send = partial(self._send, client=client, request=request, prices=configuration.prices)
        sending = send_with_thoughts(translation, send)
        asking = self.metering.asked(route, configuration.prices)
        demand = partial(demand_of, body, asking)
        async with self.budgets.around(sending, client, configuration, record, demand) as response:
            record_response(response, record)
            if response.status >= FIRST_ERROR_STATUS:
                yield RelayedAnswer(await _error(response, translation, record))
                return
            frame = self._frame(translation, body)
            answered = Answered(asked, frame, client.id, translation.origin)
            answering = self._streamed if asked.streamed else self._complete
            async with answering(response, translation, answered) as answer:
                yield answer

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

    @asynccontextmanager
    async def _complete(
        self, response: UpstreamResponse, translation: Translation, answered: Answered
    ) -> AsyncIterator[RoutedAnswer]:
        events = translation.dialect.answer(await content_of(response))
        batches = one_batch(with_prompt(events, answered.frame.prompt_tokens))
        async with aclosing(self._meant(batches, translation, answered)) as meant:
            completion = await fold(flat(meant))
        await self.responses.keep(answered, completion)
        yield CompleteAnswer(answered.frame, completion)

    @asynccontextmanager
    async def _streamed(
        self, response: UpstreamResponse, translation: Translation, answered: Answered
    ) -> AsyncIterator[RoutedAnswer]:
        reader = translation.dialect.stream()
        tokens = answered.frame.prompt_tokens
        async with aclosing(streamed_batches(response, reader, tokens)) as batches:
            # Its first event, `Started`, says that the upstream answers; dialects render none.
            first, *following = await anext(batches)
            rest = self._meant(after(following, batches), translation, answered)
            if answered.asked.is_kept:
                rest = self.responses.keeping_batches(answered, rest)
            yield StreamedAnswer(answered.frame, first, flat(rest), rest)

    def _meant(
        self,
        batches: AsyncGenerator[Sequence[AnswerEvent], None],
        translation: Translation,
        answered: Answered,
    ) -> AsyncGenerator[Sequence[AnswerEvent], None]:
        """Returns the events as the client means them: its names of tools, its sealed thoughts."""
        names = translation.names
        if names.replaces_any:
            batches = mapped(batches, names.restored)
        if answered.asked.seals_reasoning:
            batches = self.thoughts.seal(batches, answered.client, answered.origin)
        return batches


async def _error(
    response: UpstreamResponse, translation: Translation, record: RequestRecord
) -> UpstreamResponse:
    """Returns the upstream's error in the client's dialect."""
    facts = translation.dialect.error(response.status, await content_of(response))
    dialect = DIALECTS[translation.client_dialect]
    status, body = dialect.error(replace(facts, request_id=record.request_id))
    return UpstreamResponse(status, (JSON, *translated_headers(response)), body)
