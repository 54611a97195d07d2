"""The step that relays a request to an upstream."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from modegate.application.ports.relay_backend import RelayBackend
from modegate.dialects.chat.request import check_model_length
from modegate.domain.access.api_key import ApiKey, parse_upstream_key
from modegate.domain.configuration import Configuration
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.param_policy import as_count
from modegate.domain.request_record import RequestRecord
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse

FIRST_ERROR_STATUS = 400
UPSTREAM_ERROR = "upstream_error"


@dataclass(frozen=True, slots=True)
class RelayRequest:
    """Relays the client's bytes and returns the response unchanged, error responses included."""

    backend: RelayBackend

    @asynccontextmanager
    async def relay(
        self, request: InboundRequest, body: ChatBody, configuration: Configuration
    ) -> AsyncIterator[UpstreamResponse]:
        """Sends one request; leaving the context closes the exchange.

        Raises:
            GatewayError: if the request is invalid, or there is no usable response.
        """
        upstream_request = _upstream_request(request, body, configuration)
        request.record.model = upstream_request.model
        async with self.backend.send(upstream_request) as response:
            _record(response, request.record)
            yield response


def _upstream_request(
    request: InboundRequest, body: ChatBody, configuration: Configuration
) -> UpstreamRequest:
    model = body.params.get("model")
    check_model_length(model)
    return UpstreamRequest(
        body=body.content,
        model=model if isinstance(model, str) else None,
        credential=_client_credential(request, configuration),
        streamed=body.streamed,
        choices=as_count(body.params.get("n")) or 1,
    )


def _client_credential(request: InboundRequest, configuration: Configuration) -> ApiKey | None:
    if request.upstream_key is None or not configuration.clients_may_bring_keys:
        return None
    return parse_upstream_key(request.upstream_key)


def _record(response: UpstreamResponse, record: RequestRecord) -> None:
    if response.status >= FIRST_ERROR_STATUS:
        record.fail(UPSTREAM_ERROR)
