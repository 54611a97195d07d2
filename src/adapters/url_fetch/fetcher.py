"""Fetches images and files within bounds, from hosts and addresses that the operator allows."""

import asyncio
from urllib.parse import SplitResult, urljoin, urlsplit

from modegate.adapters.url_fetch.addresses import is_public
from modegate.application.ports.media_fetcher import FetchError
from modegate.domain.media.policy import MediaPolicy
from modegate.http_client.client import Client
from modegate.http_client.connections.connecting import ConnectTimeouts
from modegate.http_client.connections.exchange import Exchange
from modegate.http_client.errors import ConnectError, HttpClientError
from modegate.http_client.messages.deadlines import Deadlines
from modegate.http_client.messages.request import encode_head
from modegate.http_client.messages.route import DEFAULT_PORTS, Origin, Route

TIMEOUT_S = 20.0
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OK = 200
HEADERS = (
    ("Accept", "image/*, application/pdf, text/plain"),
    ("User-Agent", "modegate"),
    ("Accept-Encoding", "identity"),
)


class UrlFetcher:
    """Fetches over connections of its own, which go through no proxy.

    The address is checked on the one that is connected to, so a name that resolves to another
    address the next time gains nothing.
    """

    async def fetch(self, url: str, policy: MediaPolicy) -> bytes:
        """Returns the bytes behind a URL; it follows redirects to allowed hosts.

        Raises:
            FetchError: they could not be fetched within the bounds; its text has no URL.
        """
        deadlines = Deadlines(asyncio.get_running_loop().time() + TIMEOUT_S)

        def admits(host: str, address: str) -> bool:
            return policy.is_private(host) or is_public(address)

        client = Client(ConnectTimeouts(), admits=admits)
        try:
            async with asyncio.timeout_at(deadlines.whole_at):
                return await _follow(client, url, policy, deadlines)
        except TimeoutError:
            raise FetchError("it did not answer in time") from None
        except ConnectError:
            raise FetchError("its host cannot be reached, or has a private address") from None
        except (HttpClientError, ValueError):
            raise FetchError("its host's answer is not valid") from None
        finally:
            await client.aclose()


async def _follow(client: Client, url: str, policy: MediaPolicy, deadlines: Deadlines) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        parsed = urlsplit(url)
        if not policy.allows_url(parsed):
            raise FetchError("it redirects to a host that is not allowed")
        exchange = await _ask(client, parsed, deadlines)
        try:
            if exchange.status not in REDIRECTS:
                return await _body(exchange, policy.max_image_bytes)
            url = urljoin(url, _header(exchange, b"location"))
        finally:
            exchange.close()
    raise FetchError(f"it redirects more than {MAX_REDIRECTS} times")


async def _ask(client: Client, url: SplitResult, deadlines: Deadlines) -> Exchange:
    host = (url.hostname or "").encode("idna").decode("ascii")
    origin = Origin(url.scheme, host, url.port or DEFAULT_PORTS[url.scheme])
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return await client.send(encode_head("GET", Route(origin), target, HEADERS), b"", deadlines)


async def _body(exchange: Exchange, most: int) -> bytes:
    if exchange.status != OK:
        raise FetchError(f"its host answered with status {exchange.status}")
    body = bytearray()
    while piece := await exchange.read():
        body += piece
        if len(body) > most:
            raise FetchError(f"it is larger than {most} bytes")
    return bytes(body)


def _header(exchange: Exchange, name: bytes) -> str:
    found = (value for key, value in exchange.headers if key.lower() == name)
    return next(found, b"").decode("latin-1")
