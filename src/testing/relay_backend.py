"""An upstream that gives the same response to every request."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from modegate.domain.answer.usage import Usage
from modegate.domain.credentials.credential import Credential
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse

FIRST_ERROR_STATUS = 400
RESPONSE = UpstreamResponse(200, (("content-type", "application/json"),), b"{}")


class ScriptedRelay:
    """Gives its response, or raises its error.

    `requests` are those that it received, and `credentials` has the credential of each. A streamed
    request gets the body's bytes as one piece. Answers report `usage` and `model`.
    """

    def __init__(self, response: UpstreamResponse | Exception = RESPONSE) -> None:
        self.response = response
        self.requests: list[UpstreamRequest] = []
        self.credentials: list[Credential] = []
        self.open = 0
        self.usage = Usage(prompt_tokens=10, completion_tokens=2, cached_tokens=4)
        self.model: str | None = None

    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        """Records the request, and responds."""
        self.requests.append(request)
        self.credentials.append(credential)
        if isinstance(self.response, Exception):
            raise self.response
        self.open += 1
        try:
            async with aclosing(_pieces(self.response)) as pieces:
                body = pieces if request.streamed else self.response.body
                yield replace(self.response, body=body)
        finally:
            self.open -= 1
            if self.response.status < FIRST_ERROR_STATUS:
                request.on_usage(self.usage, self.model)


async def _pieces(response: UpstreamResponse) -> AsyncGenerator[bytes, None]:
    if isinstance(response.body, bytes):
        yield response.body
    else:
        async for piece in response.body:
            yield piece
