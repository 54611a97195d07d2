"""An upstream's answer, kept as it came."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VerbatimHead:
    """Status and headers that are handed on, names in lower case; the first chunk of a stream.

    `is_events` tells that the body is server-sent events, without the `[DONE]` at their end.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    is_events: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Verbatim(VerbatimHead):
    """A whole answer: status, headers and the body's bytes."""

    body: bytes
