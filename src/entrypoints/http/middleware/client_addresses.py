"""Finds the client address for rate limits, and logs a warning if it is ambiguous."""

import logging
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from modegate.entrypoints.http.messages.client_address import (
    IpNetwork,
    is_trusted,
    last_untrusted,
    parse_node,
    shown,
)
from modegate.entrypoints.http.messages.forwarded import (
    ForwardedHeader,
    nodes_of_forwarded,
    nodes_of_x_forwarded_for,
)
from modegate.entrypoints.http.middleware.request_log import Scope

# For servers that report no peer, such as behind a Unix socket, which only this machine reaches.
NO_PEER = ("127.0.0.1", 0)
# Longer headers are rare, and would use too much memory in the cache.
MAX_CACHED_BYTES = 256
Lines = tuple[tuple[bytes, bytes], ...]
READERS: Mapping[bytes, Callable[[Sequence[str]], list[str]]] = MappingProxyType(
    {b"x-forwarded-for": nodes_of_x_forwarded_for, b"forwarded": nodes_of_forwarded}
)

log = logging.getLogger(__name__)


class Doubt(StrEnum):
    """Log messages for requests that share the rate limit of one address, with advice."""

    UNTRUSTED = (
        "forwarded addresses from %s are ignored, and its requests share one limit: if it is your "
        "proxy, add it to TRUSTED_PROXIES"
    )
    MISSING = (
        "requests from the trusted proxy %s name no client, and share one limit: configure "
        "the proxy to set X-Forwarded-For, or the header in FORWARDED_HEADER"
    )
    UNREADABLE = (
        "the trusted proxy %s forwarded something that is not an address; such requests share one "
        "limit: check what it sets as X-Forwarded-For or Forwarded"
    )
    CONFLICT = (
        "X-Forwarded-For and Forwarded from the trusted proxy %s name different clients; such "
        "requests share one limit: set FORWARDED_HEADER to the one that the proxy sets"
    )


class ClientAddresses:
    """Finds the client address of each request; ignores values that a client can forge."""

    def __init__(
        self, trusted: Sequence[IpNetwork] = (), header: ForwardedHeader = ForwardedHeader.AUTO
    ) -> None:
        self._warned: set[Doubt] = set()
        self._locate_cached = lru_cache(maxsize=4096)(self._locate)
        self.reconfigure(trusted, header)

    def reconfigure(self, trusted: Sequence[IpNetwork], header: ForwardedHeader) -> None:
        """Trusts other proxies, or another header, from now on."""
        self._trusted = trusted
        self._names = frozenset(name for name in READERS if header in {"auto", name.decode()})
        self._warned.clear()
        self._locate_cached.cache_clear()

    def find(self, scope: Scope) -> str:
        """Returns the address, without a warning."""
        return self._located(scope)[0]

    def find_or_warn(self, scope: Scope) -> str:
        """Returns the address; logs each kind of doubt once."""
        address, doubt = self._located(scope)
        if doubt is not None and doubt not in self._warned:
            self._warned.add(doubt)
            log.warning(doubt, shown(_peer(scope)))
        return address

    def _located(self, scope: Scope) -> tuple[str, Doubt | None]:
        names, found = self._names, []
        for header in scope["headers"]:  # a comprehension costs a request as much as a header
            if header[0] in names:
                found.append(header)  # noqa: PERF401
        lines = tuple(found)
        if lines and sum(len(value) for _, value in lines) > MAX_CACHED_BYTES:
            return self._locate(_peer(scope), lines)
        return self._locate_cached(_peer(scope), lines)

    def _locate(self, peer: str, lines: Lines) -> tuple[str, Doubt | None]:
        address = parse_node(peer)
        if address is None or not is_trusted(address, self._trusted):
            return shown(peer), Doubt.UNTRUSTED if lines else None
        if not lines:
            return str(address), Doubt.MISSING
        found = {
            last_untrusted(peer, _nodes(lines, name), self._trusted)
            for name in {name for name, _ in lines}
        }
        if len(found) > 1:
            return str(address), Doubt.CONFLICT
        client, readable = found.pop()
        return client, None if readable else Doubt.UNREADABLE


def _nodes(lines: Lines, name: bytes) -> list[str]:
    return READERS[name]([value.decode("latin-1") for key, value in lines if key == name])


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or NO_PEER)[0])
