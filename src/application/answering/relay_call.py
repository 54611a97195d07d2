"""The pipeline for every operation that is relayed, but chat completions.

admit → check the mode, the key and the shared state → read → check the model → route
→ check the upstream → relay → translate (translate_answer.py), where the upstream lacks it

These operations are passthrough's. Defaults of the mode do not apply to them, unless they belong to
the Responses API, which Claude Code has too.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from modegate.application.answering.admission import Admission, record_admission
from modegate.application.answering.call_checks import check_body, check_call, check_route
from modegate.application.answering.missing_responses import MissingResponses
from modegate.application.answering.routed_answer import RelayedAnswer, RoutedAnswer
from modegate.application.answering.translate_answer import TranslateAnswer
from modegate.application.budgets.demand import demand_of
from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.credentials.attempts import Response
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.relay_request import record_response, sticky_key_of
from modegate.application.upstream_ids import record_upstream_id, with_request_id
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.application.usage.metering import Metering
from modegate.dialects.chat.relayed import relayed_body
from modegate.dialects.completions import choices_of
from modegate.dialects.responses.references import goes_on_from_kept
from modegate.domain.access.client import Client
from modegate.domain.configuration import Configuration
from modegate.domain.credentials.selection import Strategy
from modegate.domain.dialect_name import DialectName
from modegate.domain.inbound_call import InboundCall, Upload
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.routing.operation import Spending, StreamForm
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import BodyStream, UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.lazy_dataclass import dataclass

NO_BODY = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayCall:
    """Relays operations; the steps are those of `AnswerRequest` in passthrough."""

    configuration: ConfigurationSource
    admission: Admission
    asking: AskingForUsage
    metering: Metering
    budgets: ReserveBudget
    translate: TranslateAnswer
    missing: MissingResponses

    @asynccontextmanager
    async def execute(self, call: InboundCall) -> AsyncIterator[RoutedAnswer]:
        """Answers one request; leaving the context closes the exchange.

        Requests for responses are translated for upstreams that lack them.

        Raises:
            GatewayError: the request was rejected, or there is no usable response.
        """
        configuration = self.configuration.current()
        call.record.mode = call.decision.mode
        admitted = await self.admission.acquire(call.entry, configuration)
        try:
            record_admission(call.record, admitted)
            client = admitted.client
            check_call(call, client, configuration)
            body = await call.read()
            check_body(call, body, client, configuration)
            route = _route(call, configuration)
            if not self._is_translated(call, body, route):
                check_route(call, body, route, configuration)
                async with self._relay(call, body, route, client, configuration) as response:
                    if not self._lacks_operation(call, body, route, response):
                        named = with_request_id(response, call.operation.kind)
                        record_upstream_id(named, call.record)
                        record_response(named, call.record)
                        yield RelayedAnswer(named)
                        return
            assert isinstance(body, ChatBody)  # noqa: S101 - responses are asked for in JSON
            translating = self.translate.translate(
                route, body, client, _inbound(call, body), configuration
            )
            async with translating as answer:
                yield answer
        finally:
            self.admission.release(admitted)

    def _is_translated(self, call: InboundCall, body: ChatBody | Upload, route: RelayRoute) -> bool:
        """Returns whether the upstream is known to lack the operation.

        It lacks a response that gateways keep, too, which another one may have made.
        """
        if not (call.operation.is_translatable and isinstance(body, ChatBody)):
            return False
        has_it = route.upstream.speaks(DialectName.RESPONSES)
        if has_it is None:
            return self.missing.has(route.upstream) or goes_on_from_kept(body.params)
        return not has_it

    def _lacks_operation(
        self,
        call: InboundCall,
        body: ChatBody | Upload,
        route: RelayRoute,
        response: UpstreamResponse,
    ) -> bool:
        """Returns whether the upstream's first answer is that it lacks the operation."""
        is_asked = call.operation.is_translatable and isinstance(body, ChatBody)
        if not is_asked or route.upstream.speaks(DialectName.RESPONSES) is not None:
            return False
        return self.missing.learn(route.upstream, response)

    def _relay(
        self,
        call: InboundCall,
        body: ChatBody | Upload,
        route: RelayRoute,
        client: Client,
        configuration: Configuration,
    ) -> Response:
        request = _request_for(call, body, route)
        sticky_key = _sticky_key(call, body, route, client)
        prices, spending = configuration.prices, request.spending
        request.on_usage = self.metering.of_relay(route, call.record, prices, spending)
        params = body.params if isinstance(body, ChatBody) else {}
        sending = self.asking.send(route, request, params, call.record, sticky_key)
        if spending is Spending.NOTHING:
            return sending
        asked = self.metering.asked(route, prices, spending)
        demand = partial(demand_of, body, asked, generates=spending is Spending.TOKENS)
        return self.budgets.around(sending, client, configuration, call.record, demand)


def _inbound(call: InboundCall, body: ChatBody) -> InboundRequest:
    """Returns the same request as one for an answer."""

    async def read() -> ChatBody:
        return body

    return InboundRequest(
        decision=call.decision,
        read=read,
        dialect=DialectName.RESPONSES,
        entry=call.entry,
        upstream_key=call.upstream_key,
        conversation=call.conversation,
        record=call.record,
    )


def _route(call: InboundCall, configuration: Configuration) -> RelayRoute:
    route = configuration.routes.resolve(call.decision, call.upstream_key, call.record.model)
    assert isinstance(route, RelayRoute)  # noqa: S101 - the mode is passthrough
    return route


def _request_for(call: InboundCall, body: ChatBody | Upload, route: RelayRoute) -> UpstreamRequest:
    streams_chunks = isinstance(body, ChatBody) and (
        call.operation.stream_form is StreamForm.CHUNKS and body.streamed
    )
    content = _content_of(body, route)
    return UpstreamRequest(
        upstream=route.upstream,
        target=call.upstream_target,
        body=content,
        streamed=streams_chunks,
        choices=choices_of(body.params) if isinstance(body, ChatBody) and streams_chunks else 1,
        unchanged=not streams_chunks,
        is_repeatable=isinstance(content, bytes),
        spending=call.operation.spending,
        traceparent=call.record.traceparent,
    )


def _content_of(body: ChatBody | Upload, route: RelayRoute) -> bytes | BodyStream:
    if isinstance(body, ChatBody):
        return relayed_body(body, route) if body.content else NO_BODY
    if body.with_model is None or route.model is None or route.model == body.model:
        return body.body
    return body.with_model(route.model)


def _sticky_key(
    call: InboundCall, body: ChatBody | Upload, route: RelayRoute, client: Client
) -> str:
    if route.upstream.strategy is not Strategy.STICKY:
        return ""
    params = body.params if isinstance(body, ChatBody) else {}
    return sticky_key_of(params, call.conversation(), client)
