"""The step that relays a request to an upstream."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from modegate.application.ports.relay_backend import RelayBackend
from modegate.domain.inbound_request import ChatBody
from modegate.domain.parameters.param_policy import as_count
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse

FIRST_ERROR_STATUS = 400
UPSTREAM_ERROR = "upstream_error"


@dataclass(frozen=True, slots=True)
class RelayRequest:
    """Relays the client's bytes and returns the response unchanged, error responses included."""

    backend: RelayBackend

    def relay(
        self, route: RelayRoute, body: ChatBody
    ) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Sends one request; leaving the context closes the exchange.

        Raises:
            GatewayError: if there is no usable response.
        """
        request = UpstreamRequest(
            upstream=route.upstream,
            body=body.content,
            streamed=body.streamed,
            choices=as_count(body.params.get("n")) or 1,
        )
        return self.backend.send(request, route.credential)


def record_response(response: UpstreamResponse, record: RequestRecord) -> None:
    """Records that the upstream answered with an error."""
    if response.status >= FIRST_ERROR_STATUS:
        record.fail(UPSTREAM_ERROR)
