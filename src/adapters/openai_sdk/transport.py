"""The pooled connections to the upstream."""

import asyncio
import io

import aiohttp
from yarl import URL

from modegate.adapters.openai_sdk.answers import head_of, whole
from modegate.adapters.openai_sdk.endpoints import Endpoint
from modegate.adapters.openai_sdk.failures import translated
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.proxies import proxy_for
from modegate.domain.errors import UpstreamRefusalError
from modegate.domain.verbatim import Verbatim

FIRST_ERROR = 400
HEADER_LIMIT = 64 * 1024
# Above this size the client library wants to send a body in pieces.
LARGE_BODY = 1024 * 1024


class Transport:
    """One session for all requests of an event loop, opened by the first.

    Whoever calls a use case with `asyncio.run` again and again has a new loop each time.
    """

    def __init__(self, options: UpstreamOptions) -> None:
        connect = options.connect_timeout
        self._whole = aiohttp.ClientTimeout(total=None, sock_connect=connect)
        self._silence = aiohttp.ClientTimeout(
            total=None, sock_connect=connect, sock_read=options.timeout
        )
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def chat(
        self, endpoint: Endpoint, body: bytes, *, streams: bool
    ) -> aiohttp.ClientResponse:
        """An answer that is no error, its body not read yet; whoever gets it closes it.

        Where it `streams` each silence is bounded; if not, whoever asks bounds the whole.

        Raises:
            UpstreamRefusalError: the upstream answered with an error.
            UpstreamUnreachableError: it did not answer.
        """
        data = body if len(body) < LARGE_BODY else io.BytesIO(body)
        timeout = self._silence if streams else self._whole
        return await self._send("POST", endpoint.chat_completions, endpoint, data, timeout)

    async def models(self, endpoint: Endpoint) -> aiohttp.ClientResponse:
        """As `chat`, with the upstream's list of models."""
        return await self._send("GET", endpoint.models, endpoint, None, self._whole)

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(
        self,
        method: str,
        url: URL,
        endpoint: Endpoint,
        data: bytes | io.BytesIO | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the library's own, between two reads
    ) -> aiohttp.ClientResponse:
        session = await self._opened(url)
        with translated():
            response = await session.request(
                method,
                url,
                data=data,
                headers=endpoint.headers,
                timeout=timeout,
                allow_redirects=False,  # nothing but the configuration says where a request goes
            )
            if response.status < FIRST_ERROR:
                return response
            async with response:
                raise UpstreamRefusalError(await _whole_refusal(response))

    async def _opened(self, upstream: URL) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is not None and self._loop is loop:
            return self._session
        left, self._session, self._loop = self._session, self._open(upstream), loop
        opened = self._session
        if left is not None:
            await left.close()  # its connections went with its loop
        return opened

    def _open(self, upstream: URL) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
            # Cookies of one client's answer must not travel with another's request.
            cookie_jar=aiohttp.DummyCookieJar(),
            # Not trust_env: it reads the proxies, and a netrc file, again for every request.
            proxy=proxy_for(upstream),
        )


async def _whole_refusal(response: aiohttp.ClientResponse) -> Verbatim:
    """An error with its body, or without one that broke off: its status says enough."""
    try:
        return await whole(response)
    except aiohttp.ClientPayloadError:
        head = head_of(response)
        return Verbatim(head.status, head.headers, b"")
