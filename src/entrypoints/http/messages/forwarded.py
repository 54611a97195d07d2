"""Parses the nodes of `X-Forwarded-For` and `Forwarded` (RFC 7239), in order, client first.

A node is an address, optionally with a port, or a token such as `unknown`. A malformed element
becomes the node `""`.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

UNREADABLE = ""
# Possessive quantifiers prevent backtracking, which would take quadratic time.
NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
# Many senders omit the quotes that ports and IPv6 addresses require.
VALUE = r'"(?:[^"\\]|\\.)*+"|[^",;\s]*+'
BLANK = r"[ \t]*+"
PAIR = re.compile(rf"{BLANK}(?:({NAME}){BLANK}={BLANK}({VALUE}))?{BLANK}([;,]|$)")
ESCAPED = re.compile(r"\\(.)")


class ForwardedHeader(StrEnum):
    """The header that the trusted proxies set."""

    AUTO = "auto"
    X_FORWARDED_FOR = "x-forwarded-for"
    FORWARDED = "forwarded"


def nodes_of_x_forwarded_for(lines: Iterable[str]) -> list[str]:
    """Returns the elements of the list; empty elements are ignored, as in any header list."""
    return [node for line in lines for part in line.split(",") if (node := unquoted(part.strip()))]


def nodes_of_forwarded(lines: Iterable[str]) -> list[str]:
    """Returns the `for` parameter of each element.

    Parses each line separately, so that an open quote in a client's line cannot affect a proxy's.
    """
    return [node for line in lines for node in _nodes_of_line(line)]


def _nodes_of_line(line: str) -> Sequence[str]:
    nodes: list[str] = []
    element: list[tuple[str, str]] = []
    at = 0
    while at < len(line):
        pair = PAIR.match(line, at)
        if pair is None:
            return (UNREADABLE,)
        name, value, end = pair.groups()
        if name is not None:
            element.append((name.lower(), unquoted(value)))
        at = pair.end()
        if element and (end != ";" or at == len(line)):
            nodes.append(_for(element))
            element = []
    return nodes


def _for(element: Sequence[tuple[str, str]]) -> str:
    found = [value for name, value in element if name == "for"]
    return found[0] if len(found) == 1 else UNREADABLE


def unquoted(value: str) -> str:
    """Returns the contents of a quoted string; any other value unchanged."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return ESCAPED.sub(r"\1", value[1:-1])
    return value
