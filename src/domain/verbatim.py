"""An upstream response, unchanged."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VerbatimHead:
    """Status and headers to relay; the first chunk of a stream. Header names are in lower case.

    `is_events` means that the body is a stream of server-sent events, without the final `[DONE]`.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    is_events: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Verbatim(VerbatimHead):
    """A complete response: status, headers and body."""

    body: bytes
