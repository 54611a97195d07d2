"""An upstream's response, as bytes."""

from collections.abc import AsyncIterator
from dataclasses import field

from modegate.lazy_dataclass import dataclass

# The most that is held of one answer.
MAX_ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)  # not frozen: created for each request
class ResponseHead:
    """The status and the relayed headers; names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class UpstreamResponse(ResponseHead):
    """A response. Its body is bytes, or an iterator if the request was streamed or unchanged.

    The iterator yields whole server-sent events, without the final `[DONE]` of chunks, or bytes of
    any other content as they arrive.
    """

    body: bytes | AsyncIterator[bytes] = field(repr=False)
