"""Asks upstreams for the usage of streams whose clients do not ask."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from types import TracebackType
from typing import Any

from modegate.application.credentials.attempts import Attempts, Response
from modegate.dialects.chat.stream_usage import INCLUDE, OPTIONS, with_usage_asked
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse

FIRST_ERROR_STATUS = 400
# The statuses for a parameter that an upstream does not know.
REFUSALS = frozenset({400, 422})
MENTIONS = (OPTIONS.encode(), INCLUDE.encode())
MAX_LEARNED = 1024

Destination = tuple[str, str | None]


def noop(_: str) -> None:
    """No-op callback."""


class AskingForUsage:
    """Sends streamed requests, with the question for their usage where the upstream takes it.

    An upstream may reject the question. Then the client's own body is sent, and the model is not
    asked again until the gateway restarts. `on_rejected` is called with the upstream's name.
    """

    def __init__(self, attempts: Attempts) -> None:
        self.on_rejected: Callable[[str], None] = noop
        self._attempts = attempts
        self._accepts: dict[Destination, bool] = {}

    def send(
        self,
        route: RelayRoute,
        request: UpstreamRequest,
        params: Mapping[str, object],
        record: RequestRecord,
        sticky_key: str,
    ) -> Response:
        """Sends a request as `Attempts.send`; `params` are those of the client."""
        if not (request.streamed and route.upstream.asks_for_usage):
            return self._attempts.send(route, request, record, sticky_key)
        send = partial(self._attempts.send, route, request, record, sticky_key)
        destination = (route.upstream.name, route.model)
        if self._accepts.get(destination) is False or not isinstance(request.body, bytes):
            return send()
        asking = with_usage_asked(request.body, params)
        if asking is None:
            return send()
        return _Asking(self, destination, request, asking, send)

    def knows(self, destination: Destination) -> bool:
        """Returns whether it is known how a model takes the question."""
        return destination in self._accepts

    def learn(self, destination: Destination, *, accepts: bool) -> None:
        """Notes whether a model takes the question."""
        if self._accepts.get(destination) is accepts:
            return
        if len(self._accepts) >= MAX_LEARNED:
            self._accepts.clear()
        self._accepts[destination] = accepts
        if not accepts:
            self.on_rejected(destination[0])


class _Asking:
    """The context of one request that asks; if that is rejected, the client's own body follows."""

    def __init__(
        self,
        asking_for_usage: AskingForUsage,
        destination: Destination,
        request: UpstreamRequest,
        asking: bytes,
        send: Callable[[], Response],
    ) -> None:
        self._memory = asking_for_usage
        self._destination = destination
        self._request = request
        self._own_body = request.body
        self._send = send
        request.body, request.hides_usage = asking, not request.needs_usage

    async def __aenter__(self) -> UpstreamResponse:
        self._exchange = self._send()
        response = await self._exchange.__aenter__()
        if response.status < FIRST_ERROR_STATUS:
            self._memory.learn(self._destination, accepts=True)
        elif self._may_be_rejected(response):
            await self._exchange.__aexit__(None, None, None)
            return await self._without()
        return response

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Coroutine[Any, Any, bool | None]:
        return self._exchange.__aexit__(kind, error, trace)

    async def _without(self) -> UpstreamResponse:
        """Sends the client's own body; if that works, the question was the reason."""
        self._request.body, self._request.hides_usage = self._own_body, False
        self._request.time_left_s = None
        self._exchange = self._send()
        response = await self._exchange.__aenter__()
        if response.status < FIRST_ERROR_STATUS:
            self._memory.learn(self._destination, accepts=False)
        return response

    def _may_be_rejected(self, response: UpstreamResponse) -> bool:
        """Returns whether the question may be the reason of an error."""
        if response.status not in REFUSALS or not isinstance(response.body, bytes):
            return False
        mentioned = any(name in response.body for name in MENTIONS)
        return mentioned or not self._memory.knows(self._destination)
