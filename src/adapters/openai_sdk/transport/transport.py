"""The pooled connections to the upstream."""

import asyncio
from collections.abc import Awaitable, Iterable
from functools import lru_cache

from yarl import URL

from modegate.adapters.openai_sdk.endpoint import Endpoint
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.proxies import ProxyChoice
from modegate.adapters.openai_sdk.transport.error_translation import translated
from modegate.adapters.openai_sdk.transport.rejections import rejection
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.adapters.openai_sdk.transport.routes import route_to, target_path
from modegate.domain.upstream_request import Target
from modegate.http_client.client import Client
from modegate.http_client.connections.connecting import ConnectTimeouts
from modegate.http_client.errors import HttpClientError
from modegate.http_client.messages.deadlines import Deadlines
from modegate.http_client.messages.request import Body, RequestHead, encode_head

FIRST_SUCCESS, FIRST_REDIRECT = 200, 300


class Transport:
    """One HTTP client for all requests of an event loop, opened by the first request.

    Code that calls `asyncio.run` repeatedly has a new event loop each time. Two event loops in two
    threads need a transport each.
    """

    def __init__(self, options: UpstreamOptions) -> None:
        seconds = options.connect_timeout
        self._timeouts = ConnectTimeouts(connect_s=seconds, handshake_s=seconds, tunnel_s=seconds)
        self._error_patience = options.error_patience
        self._proxies = ProxyChoice()
        # Each key has its own head, which is encoded once.
        self._chat_head = lru_cache(maxsize=2 * options.clients)(self._encode_chat)
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def reconfigure(self, options: UpstreamOptions) -> None:
        """Uses other time limits for later requests."""
        self._error_patience = options.error_patience

    def chat(
        self, endpoint: Endpoint, body: bytes, deadlines: Deadlines | None = None
    ) -> Awaitable[Answer]:
        """Sends a chat request and returns the answer, whose body is still unread.

        `deadlines` bound the waits for the head and for the body. The caller closes the answer.

        Raises:
            UpstreamRefusalError: if the upstream answered with an error.
            UpstreamInvalidResponseError: if it answered with a redirect, or not in HTTP.
            UpstreamUnreachableError: if it did not answer.
            TurnTimeoutError: if a time bound expired.
        """
        head = self._chat_head(endpoint)
        return self._exchange(head, endpoint.chat_completions, body, deadlines or Deadlines())

    async def request(
        self,
        endpoint: Endpoint,
        target: Target,
        headers: Iterable[tuple[str, str]],
        body: Body,
        deadlines: Deadlines,
    ) -> Answer:
        """Sends any other request, with all of its `headers`; otherwise like `chat`."""
        path = target_path(endpoint.base, target)
        route = route_to(endpoint.base, self._proxies.of(endpoint.base))
        head = encode_head(target.method, route, path, headers)
        return await self._exchange(head, endpoint.base, body, deadlines)

    async def models(self, endpoint: Endpoint) -> Answer:
        """Requests the upstream's list of models; otherwise like `chat`."""
        head = self._encode("GET", endpoint.models, endpoint)
        return await self._exchange(head, endpoint.models, b"", Deadlines())

    def now(self) -> float:
        """Returns the time of the event loop, which deadlines refer to."""
        return self._running_loop().time()

    async def aclose(self) -> None:
        """Closes all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _exchange(
        self, head: RequestHead, url: URL, body: Body, deadlines: Deadlines
    ) -> Answer:
        client = self._client if self._loop is self._running_loop() else None
        if client is None:
            client = await self._opened()
        try:
            exchange = await client.send(head, body, deadlines)
        except (HttpClientError, TimeoutError) as error:
            raise translated(error) from error
        answer = Answer(exchange, url)
        # Redirects are not followed: only the configuration decides where a request is sent.
        if FIRST_SUCCESS <= exchange.status < FIRST_REDIRECT:
            return answer
        async with answer:
            raise await rejection(answer, self._error_patience)

    def _encode_chat(self, endpoint: Endpoint) -> RequestHead:
        return self._encode("POST", endpoint.chat_completions, endpoint)

    def _encode(self, method: str, url: URL, endpoint: Endpoint) -> RequestHead:
        route = route_to(url, self._proxies.of(url))
        return encode_head(method, route, url.raw_path_qs, endpoint.headers.items())

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Returns the running event loop.

        A loop that ran and still runs is this one: the transport is used by one at a time. Until
        Python 3.12, `get_running_loop` makes a system call, which costs a request about 2 %.
        """
        if self._loop is not None and self._loop.is_running():
            return self._loop
        return asyncio.get_running_loop()

    async def _opened(self) -> Client:
        left, self._client = self._client, Client(self._timeouts)
        self._loop, opened = asyncio.get_running_loop(), self._client
        if left is not None:
            await left.aclose()  # its connections ended with their event loop
        return opened
