"""Opens the answer to a request: with its endpoint, its time bounds and its retries."""

from collections.abc import Awaitable, Callable
from functools import partial

from modegate.adapters.openai_sdk.endpoint import Endpoint, Endpoints
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.requests import CHAT_COMPLETIONS, body_of, headers_of
from modegate.adapters.openai_sdk.retries import retry
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.adapters.openai_sdk.transport.transport import Transport
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import GatewayError
from modegate.domain.upstream_request import BodyStream, UpstreamRequest
from modegate.http_client.messages.deadlines import Deadlines


class Opening:
    """Sends requests until the head of an answer has arrived."""

    def __init__(
        self, options: UpstreamOptions, endpoints: Endpoints, transport: Transport
    ) -> None:
        self.options = options
        self._endpoints = endpoints
        self._transport = transport

    def deadlines(self, request: UpstreamRequest) -> Deadlines:
        """Returns the bound on the time until the first byte, for all attempts together."""
        seconds = self.options.first_byte
        if request.time_left_s is not None:
            seconds = min(seconds, request.time_left_s)
        return Deadlines(self._transport.now() + seconds)

    def first_byte_came(self, deadlines: Deadlines) -> None:
        """Restarts the time limit: the time after the first byte is bounded separately."""
        deadlines.whole_at = self._transport.now() + self.options.timeout

    async def open(
        self, request: UpstreamRequest, credential: Credential, deadlines: Deadlines
    ) -> Answer:
        """Returns the answer, whose body is still unread; the caller closes it.

        Raises:
            GatewayError: if there is no answer, or it is an error.
            TimeoutError: if the deadlines pass in a delay before an attempt.
        """
        endpoint = self._endpoints.known(request.upstream, credential)
        if endpoint is None:
            endpoint = self._endpoints.of(request.upstream, credential)
        until = deadlines.whole_at
        if (
            request.target is not None
            or request.traceparent is not None
            or isinstance(request.body, BodyStream)
        ):
            ask = self._asking(endpoint, request, deadlines)
        else:
            ask = partial(self._transport.chat, endpoint, request.body, deadlines)
        try:
            return await ask()  # nearly always succeeds
        except GatewayError as error:
            return await retry(ask, error, self.options, request, until)

    def _asking(
        self, endpoint: Endpoint, request: UpstreamRequest, deadlines: Deadlines
    ) -> Callable[[], Awaitable[Answer]]:
        target = request.target or CHAT_COMPLETIONS
        extended = partial(self._extend, deadlines)
        body = body_of(request, extended)
        headers = headers_of(endpoint, request, target)
        return partial(self._transport.request, endpoint, target, headers, body, deadlines)

    def _extend(self, deadlines: Deadlines) -> None:
        """Restarts the bound on the first byte: the upstream has taken a part of the body."""
        deadlines.whole_at = self._transport.now() + self.options.first_byte
