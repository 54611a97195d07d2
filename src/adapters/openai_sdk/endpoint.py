"""The addresses and headers of requests, determined once for each credential."""

import asyncio
import importlib
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yarl import URL

from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.routing.upstream import OPENAI, Upstream, UpstreamKind

if TYPE_CHECKING:
    from openai import DefaultAsyncHttpxClient

SDK = "openai"
ANTHROPIC_VERSION = "2023-06-01"
# The longest list that Anthropic's API returns.
MOST_MODELS = 1000
# Bounds the endpoints of the server's credentials.
MAX_OF_SERVER = 4096
# What the headers of an endpoint depend on: the API, the address, the headers of the upstream, and the
# credential.
Place = tuple[UpstreamKind, str, tuple[tuple[str, str], ...], Credential]
# Headers with which the SDK describes its own process.
LEFT_OUT = ("x-stainless-",)
# Headers of the server's own account, which do not belong to a client's key.
OF_THE_ACCOUNT = ("openai-organization", "openai-project")


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: hashing the headers is slow
class Endpoint:
    """An upstream's addresses, and the headers for one credential.

    All paths of the upstream are below `base`.
    """

    base: URL
    chat_completions: URL
    models: URL
    headers: Mapping[str, str] = field(repr=False)


class Endpoints:
    """A cache of endpoints, one for each address and credential; LRU for clients' own keys.

    OpenAI's SDK determines the account headers and the form of the credentials, unless the upstream
    is of Anthropic's kind. Nothing in a request can change the address to which it is sent.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._sdk: Any = None
        self._http: DefaultAsyncHttpxClient | None = None
        self._known: OrderedDict[Place, Endpoint] = OrderedDict()
        self._of_server: dict[int, tuple[Upstream, Credential, Endpoint]] = {}

    def known(self, upstream: Upstream, credential: Credential) -> Endpoint | None:
        """Returns the endpoint for a credential of the server, if it was used before."""
        # Found by identity: hashing a credential takes 1 µs, and each client's own key is a new one.
        known = self._of_server.get(id(credential))
        if known is not None and known[0] is upstream and known[1] is credential:
            return known[2]
        return None

    async def of(self, upstream: Upstream, credential: Credential) -> Endpoint:
        """Returns the endpoint of an upstream for a credential."""
        if (known := self.known(upstream, credential)) is not None:
            return known
        if credential.id == CLIENTS_OWN:
            return await self._of_client(upstream, credential)
        await self.prepare()
        endpoint = self._ask(upstream, credential)
        if len(self._of_server) >= MAX_OF_SERVER:  # a new configuration has new credentials
            self._of_server.clear()
        self._of_server[id(credential)] = upstream, credential, endpoint
        return endpoint

    async def _of_client(self, upstream: Upstream, credential: Credential) -> Endpoint:
        place = (upstream.kind, upstream.base_url, tuple(upstream.headers.items()), credential)
        if (known := self._known.get(place)) is not None:
            self._known.move_to_end(place)
            return known
        await self.prepare()
        endpoint = self._known[place] = self._ask(upstream, credential)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return endpoint

    def forget(self) -> None:
        """Forgets the endpoints of the server's credentials, which a reload may have removed."""
        self._of_server.clear()

    async def prepare(self) -> None:
        """Imports the SDK, in a thread: it takes 0.4 s, in which other requests are answered."""
        if self._sdk is None:
            self._sdk = await asyncio.to_thread(importlib.import_module, SDK)
        if self._http is None:
            # Nothing is sent through it, so invalid proxies or certificates must not fail, and the
            # system's authorities, which take tens of milliseconds to read, are not needed.
            no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._http = self._sdk.DefaultAsyncHttpxClient(trust_env=False, verify=no_authorities)

    async def aclose(self) -> None:
        """Closes the client of the SDK."""
        if self._http is not None:
            await self._http.aclose()

    def _ask(self, upstream: Upstream, credential: Credential) -> Endpoint:
        if upstream.kind is UpstreamKind.ANTHROPIC:
            return anthropic_endpoint(upstream, credential)
        sdk = self._sdk.AsyncOpenAI(
            api_key=credential.key.reveal(),
            base_url=upstream.base_url,
            max_retries=0,
            http_client=self._http,
        )
        # The variables name an account at OpenAI, which no other upstream must learn.
        own = upstream.name == OPENAI and any(
            credential.key == it.key for it in upstream.credentials
        )
        left_out = LEFT_OUT if own else (*LEFT_OUT, *OF_THE_ACCOUNT)
        headers = {
            name: value
            for name, value in (sdk.default_headers | sdk.auth_headers).items()
            if isinstance(value, str) and not name.lower().startswith(left_out)
        }
        base = URL(str(sdk.base_url))
        headers = _with_configured(headers, upstream)
        return Endpoint(base, base / "chat/completions", base / "models", headers)


def anthropic_endpoint(upstream: Upstream, credential: Credential) -> Endpoint:
    """Returns the endpoint of Anthropic's API; a client may send another version of it."""
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "modegate",
        "x-api-key": credential.key.reveal(),
        "anthropic-version": ANTHROPIC_VERSION,
    }
    base = URL(upstream.base_url)
    version = base / "v1"
    models = (version / "models").with_query(limit=MOST_MODELS)
    headers = _with_configured(headers, upstream)
    return Endpoint(base, version / "chat/completions", models, headers)


def _with_configured(headers: Mapping[str, str], upstream: Upstream) -> dict[str, str]:
    """Returns the headers of each request; those of the configuration replace others."""
    configured = {name.lower() for name in upstream.headers}
    kept = {name: it for name, it in headers.items() if name.lower() not in configured}
    # Compression would buffer streams.
    identity = {} if "accept-encoding" in configured else {"Accept-Encoding": "identity"}
    return kept | identity | dict(upstream.headers)
