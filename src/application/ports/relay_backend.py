"""The port for relay backends."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse


class RelayBackend(Protocol):
    """Relays requests to an upstream: bytes in, bytes out."""

    def send(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Sends one request and returns the response, error responses included.

        Leaving the context, also by cancellation, closes the exchange.

        Raises:
            GatewayError: if there is no usable response; no other error is raised. The body of a
                streamed response raises it if the stream is cut.
        """
        ...
