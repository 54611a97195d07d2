"""The target of a relayed request, from its raw path and query."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from modegate.domain.routing.upstream import UpstreamKind
from modegate.domain.upstream_request import Target

VERSION = "/v1"
# Segments that the upstream, or a proxy before it, could read as another path.
DOTS = frozenset({b".", b".."})
SEPARATORS = re.compile(rb"[/\\%?#;\x00-\x1f\x7f]")
NOT_IN_TARGET = re.compile(rb"[^\x21-\x7e]")
# Headers that describe the content; no other header of a client reaches the upstream.
OF_CONTENT: Mapping[UpstreamKind, Sequence[str]] = MappingProxyType(
    {
        UpstreamKind.OPENAI: ("accept", "content-type", "range", "openai-beta", "idempotency-key"),
        UpstreamKind.ANTHROPIC: ("accept", "content-type", "anthropic-version", "anthropic-beta"),
    }
)
LONGEST_VALUE = 4096


def target_of(scope: Mapping[str, Any], kind: UpstreamKind = UpstreamKind.OPENAI) -> Target | None:
    """Returns the target of a request below the version; None if the path is ambiguous.

    It has the headers that the API of the `kind` knows.
    """
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    segments = raw.rstrip(b"/").split(b"/")[1:]
    if not all(map(_is_plain, segments)):
        return None
    path = b"/".join((b"", *segments))
    return Target(
        method=scope["method"],
        path=_visible(path).removeprefix(VERSION),
        query=_visible(scope.get("query_string", b"")),
        headers=tuple(_headers_of(scope, OF_CONTENT[kind])),
    )


def _is_plain(segment: bytes) -> bool:
    """Returns whether a segment means the same to every reader of a path."""
    decoded = unquote_to_bytes(segment)
    return bool(decoded) and decoded not in DOTS and not SEPARATORS.search(decoded)


def _visible(part: bytes) -> str:
    """Returns the part with everything but visible ASCII percent-encoded."""
    return NOT_IN_TARGET.sub(lambda found: b"%%%02X" % found[0][0], part).decode()


def _headers_of(scope: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, str]]:
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return [
        (name, found[name]) for name in names if len(found.get(name, "")) in range(1, LONGEST_VALUE)
    ]
