"""An upstream's response, as bytes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Status and the headers that are relayed, names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UpstreamResponse(ResponseHead):
    """A response: its body is bytes, or an iterator where the request was streamed.

    An iterator yields server-sent events, without the `[DONE]` at their end.
    """

    body: bytes | AsyncIterator[bytes] = field(repr=False)
