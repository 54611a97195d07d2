"""An upstream response, unchanged."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Status and headers to relay; the first chunk of a stream. Header names are in lower case.

    The rest of a stream consists of server-sent events, without the final `[DONE]`.
    """

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UpstreamResponse(ResponseHead):
    """A complete response: status, headers and body."""

    body: bytes
