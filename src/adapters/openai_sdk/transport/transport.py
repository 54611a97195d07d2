"""The pooled connections to the upstream."""

import asyncio
import io
from functools import partial

import aiohttp
from yarl import URL

from modegate.adapters.openai_sdk.endpoint import Endpoint
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.proxies import ProxyChoice
from modegate.adapters.openai_sdk.transport.body import WatchedConnection
from modegate.adapters.openai_sdk.transport.error_translation import translate_errors
from modegate.adapters.openai_sdk.transport.rejections import rejection
from modegate.adapters.openai_sdk.transport.response import Answer

FIRST_SUCCESS, FIRST_REDIRECT = 200, 300
HEADER_LIMIT = 64 * 1024
# Above this size, aiohttp warns about a body that is not passed as a file object.
LARGE_BODY = 1024 * 1024


class Transport:
    """One aiohttp session for all requests of an event loop, opened by the first request.

    Code that calls `asyncio.run` repeatedly has a new event loop each time.
    """

    def __init__(self, options: UpstreamOptions) -> None:
        # The caller bounds every other wait: no state of the library may outlive that bound.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=options.connect_timeout)
        self._error_patience = options.error_patience
        self._proxies = ProxyChoice()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def chat(self, endpoint: Endpoint, body: bytes) -> Answer:
        """Sends a chat request and returns the answer, whose body is still unread.

        The caller bounds the wait and closes the answer.

        Raises:
            UpstreamRefusalError: if the upstream answered with an error.
            UpstreamInvalidResponseError: if it answered with a redirect, or not in HTTP.
            UpstreamUnreachableError: if it did not answer.
        """
        data = body if len(body) < LARGE_BODY else io.BytesIO(body)
        return await self._send("POST", endpoint.chat_completions, endpoint, data)

    async def models(self, endpoint: Endpoint) -> Answer:
        """Requests the upstream's list of models; otherwise like `chat`."""
        return await self._send("GET", endpoint.models, endpoint, None)

    async def aclose(self) -> None:
        """Closes all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(
        self, method: str, url: URL, endpoint: Endpoint, data: bytes | io.BytesIO | None
    ) -> Answer:
        proxy = self._proxies.of(url)
        session = await self._opened()
        with translate_errors():
            response = await session.request(
                method,
                url,
                data=data,
                headers=endpoint.headers,
                timeout=self._timeout,
                proxy=proxy,
                allow_redirects=False,  # only the configuration decides where a request is sent
            )
        answer = Answer(response)
        if FIRST_SUCCESS <= response.status < FIRST_REDIRECT:
            return answer
        async with answer:
            raise await rejection(answer, self._error_patience)

    async def _opened(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is not None and self._loop is loop:
            return self._session
        opened = _open(loop)
        left, self._session, self._loop = self._session, opened, loop
        if left is not None:
            await left.close()  # its connections ended with their event loop
        return opened


def _open(loop: asyncio.AbstractEventLoop) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    # aiohttp has no public API to set the protocol class. Without it, silence is still bounded.
    connector._factory = partial(WatchedConnection, loop=loop)  # type: ignore[assignment]  # noqa: SLF001
    return aiohttp.ClientSession(
        connector=connector,
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
        # Cookies from one client's answer must not be sent with another client's request.
        cookie_jar=aiohttp.DummyCookieJar(),
        # Not trust_env: it reads the proxy variables and the netrc file for every request.
        auto_decompress=False,
    )
