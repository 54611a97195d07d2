"""The exchange of a complete response."""

from collections.abc import Callable, Coroutine
from typing import Any

from modegate.domain.credentials.credential import Credential
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse

Receive = Callable[[UpstreamRequest, Credential], Coroutine[Any, Any, UpstreamResponse]]


class CompleteExchange:
    """The context of a complete response, which leaves nothing open.

    A class, because a generator costs more for each request.
    """

    def __init__(self, receive: Receive, request: UpstreamRequest, credential: Credential) -> None:
        self._receive = receive
        self._request = request
        self._credential = credential

    def __aenter__(self) -> Coroutine[Any, Any, UpstreamResponse]:
        """Receives the response."""
        return self._receive(self._request, self._credential)

    async def __aexit__(self, *_: object) -> None:
        """Does nothing."""
