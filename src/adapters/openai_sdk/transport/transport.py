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
# Above this size the client library wants to send a body in pieces.
LARGE_BODY = 1024 * 1024


class Transport:
    """One session for all requests of an event loop, opened by the first.

    Whoever calls a use case with `asyncio.run` again and again has a new loop each time.
    """

    def __init__(self, options: UpstreamOptions) -> None:
        # Every other wait is bounded by the caller: no state of the library may outlive the bound.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=options.connect_timeout)
        self._proxies = ProxyChoice()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def chat(self, endpoint: Endpoint, body: bytes) -> Answer:
        """A success whose body is not read yet; the caller bounds the wait, and closes it.

        Raises:
            UpstreamRefusalError: the upstream answered with an error.
            UpstreamInvalidResponseError: it answered with a redirect, or not in HTTP.
            UpstreamUnreachableError: it did not answer.
        """
        data = body if len(body) < LARGE_BODY else io.BytesIO(body)
        return await self._send("POST", endpoint.chat_completions, endpoint, data)

    async def models(self, endpoint: Endpoint) -> Answer:
        """As `chat`, with the upstream's list of models."""
        return await self._send("GET", endpoint.models, endpoint, None)

    async def aclose(self) -> None:
        """Close every connection."""
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
                allow_redirects=False,  # nothing but the configuration says where a request goes
            )
        answer = Answer(response)
        if FIRST_SUCCESS <= response.status < FIRST_REDIRECT:
            return answer
        async with answer:
            raise await rejection(answer)

    async def _opened(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is not None and self._loop is loop:
            return self._session
        opened = _open(loop)
        left, self._session, self._loop = self._session, opened, loop
        if left is not None:
            await left.close()  # its connections went with its loop
        return opened


def _open(loop: asyncio.AbstractEventLoop) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    # The library has no public way to choose it; without it the bound on silence still holds.
    connector._factory = partial(WatchedConnection, loop=loop)  # type: ignore[assignment]  # noqa: SLF001
    return aiohttp.ClientSession(
        connector=connector,
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
        # Cookies of one client's answer must not travel with another's request.
        cookie_jar=aiohttp.DummyCookieJar(),
        # Not trust_env, which reads the proxies, and a netrc file, again for every request.
        auto_decompress=False,
    )
