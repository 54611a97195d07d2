"""The port for relay backends."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from modegate.domain.credentials.credential import Credential
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse


class RelayBackend(Protocol):
    """Relays requests to upstreams: bytes in, bytes out."""

    def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Sends one request with a credential; returns the response, error responses included.

        Leaving the context, also by cancellation, closes the exchange. By then `request.on_usage`
        was called once if an answer has begun, unless it spends no tokens.

        Raises:
            GatewayError: if there is no usable response; no other error is raised. The body of a
                streamed response raises it if the stream is cut.
        """
        ...
