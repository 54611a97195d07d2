"""The exchange of a complete response."""

from collections.abc import Callable, Coroutine
from typing import Any

from modegate.domain.upstream_response import UpstreamResponse


class CompleteExchange:
    """The context of a complete response, which leaves nothing open.

    A class, because a generator costs more for each request.
    """

    def __init__(self, receive: Callable[[], Coroutine[Any, Any, UpstreamResponse]]) -> None:
        self._receive = receive

    def __aenter__(self) -> Coroutine[Any, Any, UpstreamResponse]:
        """Receives the response."""
        return self._receive()

    async def __aexit__(self, *_: object) -> None:
        """Does nothing."""
