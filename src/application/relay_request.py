"""The step that relays a request to an upstream."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from modegate.application.upstream_checks import check_upstream
from modegate.application.upstream_ids import record_upstream_id
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.application.usage.metering import Metering
from modegate.dialects.chat.relayed import relayed_body
from modegate.domain.access.client import Client
from modegate.domain.credentials.selection import Strategy
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.parameters.kinds import as_count
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.hints import hint_for
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.domain.usage.prices import PriceTable
from modegate.lazy_dataclass import dataclass

FIRST_ERROR_STATUS = 400
UPSTREAM_ERROR = "upstream_error"


@dataclass(frozen=True, slots=True)
class RelayRequest:
    """Relays the client's bytes and returns the response unchanged, error responses included.

    Only what the upstream's configuration changes in a body differs from the client's bytes, and the
    question for the usage of a stream.
    """

    asking: AskingForUsage
    metering: Metering

    def relay(
        self,
        route: RelayRoute,
        body: ChatBody,
        inbound: InboundRequest,
        client: Client,
        prices: PriceTable,
    ) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Sends one request; leaving the context closes the exchange.

        Raises:
            InvalidRequestError: if the body cannot be changed as the upstream needs it.
            RequestError: if the upstream cannot process it.
            GatewayError: if there is no usable response.
        """
        if route.upstream.limits_chat:
            check_upstream(route.upstream, Capability.TEXT, body.params)
        request = UpstreamRequest(
            upstream=route.upstream,
            body=relayed_body(body, route),
            streamed=body.streamed,
            choices=as_count(body.params.get("n")) or 1,
            traceparent=inbound.record.traceparent,
            on_usage=self.metering.of_relay(route, inbound.record, prices),
        )
        sticky_key = ""
        if route.upstream.strategy is Strategy.STICKY:
            sticky_key = sticky_key_of(body.params, inbound.conversation(), client)
        return self.asking.send(route, request, body.params, inbound.record, sticky_key)


def sticky_key_of(params: Mapping[str, object], conversation: str | None, client: Client) -> str:
    """Returns what identifies the conversation: the most specific of what the client sent.

    `conversation` is the client's own id of it, if it sent one.
    """
    for candidate in (params.get("prompt_cache_key"), conversation, params.get("user")):
        if isinstance(candidate, str) and candidate:
            return candidate
    return client.id


def record_response(response: UpstreamResponse, record: RequestRecord) -> None:
    """Records that the upstream answered with an error, its id of the request, and what it means."""
    if response.status >= FIRST_ERROR_STATUS:
        record_upstream_id(response, record)
        record.fail(UPSTREAM_ERROR)
        if isinstance(response.body, bytes):
            record.hint = hint_for(response.status, response.body)
