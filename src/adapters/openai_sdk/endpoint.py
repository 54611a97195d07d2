"""The addresses and headers of requests, determined once for each credential."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import field

from yarl import URL

from modegate.adapters.openai_sdk.sdk_headers import replaced, sdk_headers
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.routing.upstream import OPENAI, Upstream, UpstreamKind
from modegate.lazy_dataclass import dataclass

ANTHROPIC_VERSION = "2023-06-01"
# The longest list that Anthropic's API returns.
MOST_MODELS = 1000
# Bounds the endpoints of the server's credentials.
MAX_OF_SERVER = 4096
# What the headers of an endpoint depend on: the API, the address, the headers of the upstream, and the
# credential.
Place = tuple[UpstreamKind, str, tuple[tuple[str, str], ...], Credential]


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

    Nothing in a request can change the address to which it is sent.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._known: OrderedDict[Place, Endpoint] = OrderedDict()
        self._of_server: dict[int, tuple[Upstream, Credential, Endpoint]] = {}

    def known(self, upstream: Upstream, credential: Credential) -> Endpoint | None:
        """Returns the endpoint for a credential of the server, if it was used before."""
        # Found by identity: hashing a credential takes 1 µs, and each client's own key is a new one.
        known = self._of_server.get(id(credential))
        if known is not None and known[0] is upstream and known[1] is credential:
            return known[2]
        return None

    def of(self, upstream: Upstream, credential: Credential) -> Endpoint:
        """Returns the endpoint of an upstream for a credential."""
        if (known := self.known(upstream, credential)) is not None:
            return known
        if credential.id == CLIENTS_OWN:
            return self._of_client(upstream, credential)
        endpoint = endpoint_of(upstream, credential)
        if len(self._of_server) >= MAX_OF_SERVER:  # a new configuration has new credentials
            self._of_server.clear()
        self._of_server[id(credential)] = upstream, credential, endpoint
        return endpoint

    def _of_client(self, upstream: Upstream, credential: Credential) -> Endpoint:
        place = (upstream.kind, upstream.base_url, tuple(upstream.headers.items()), credential)
        if (known := self._known.get(place)) is not None:
            self._known.move_to_end(place)
            return known
        endpoint = self._known[place] = endpoint_of(upstream, credential)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return endpoint

    def forget(self) -> None:
        """Forgets the endpoints of the server's credentials, which a reload may have removed."""
        self._of_server.clear()


def endpoint_of(upstream: Upstream, credential: Credential) -> Endpoint:
    """Returns the addresses of an upstream, and the headers of its API for a credential."""
    if upstream.kind is UpstreamKind.ANTHROPIC:
        return anthropic_endpoint(upstream, credential)
    return openai_endpoint(upstream, credential)


def openai_endpoint(upstream: Upstream, credential: Credential) -> Endpoint:
    """Returns the endpoint of OpenAI's API, or of one like it, as the SDK determines it.

    The variables name an account at OpenAI, which no other upstream must learn. It does not belong
    to a client's own key.
    """
    is_ours = any(credential.key == it.key for it in upstream.credentials)
    of_account = upstream.name == OPENAI and is_ours
    headers = sdk_headers(credential.key.reveal(), os.environ, of_account=of_account)
    base = URL(upstream.base_url)
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
    # Compression would buffer streams.
    return replaced(replaced(headers, {"Accept-Encoding": "identity"}), upstream.headers)
