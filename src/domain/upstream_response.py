"""An upstream's response, as bytes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status and the relayed headers; names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UpstreamResponse(ResponseHead):
    """A response. Its body is bytes, or an iterator if the request was streamed.

    The iterator yields server-sent events, without the final `[DONE]`.
    """

    body: bytes | AsyncIterator[bytes] = field(repr=False)
