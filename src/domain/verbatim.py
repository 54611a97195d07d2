"""An upstream's answer, kept as it came."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VerbatimHead:
    """Status and headers that are handed on, names in lower case; the first chunk of a stream.

    What follows in a stream is server-sent events, without the `[DONE]` at their end.
    """

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Verbatim(VerbatimHead):
    """A whole answer: status, headers and the body's bytes."""

    body: bytes
