"""A request to an upstream, as bytes."""

from dataclasses import dataclass, field

from modegate.domain.access.api_key import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """Bytes for the upstream.

    `model` is for the record. `credential` is the client's own; without it the server's is used.
    A complete streamed answer finishes `choices` times.
    """

    body: bytes = field(repr=False)
    model: str | None = None
    credential: ApiKey | None = None
    streamed: bool = False
    choices: int = 1
