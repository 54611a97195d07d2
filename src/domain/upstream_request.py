"""A request to an upstream, as bytes."""

from dataclasses import dataclass, field

from modegate.domain.access.api_key import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """A request to relay.

    `model` is for the record. `credential` is the client's own key; None means the server's. A
    complete streamed answer has `choices` finish reasons.
    """

    body: bytes = field(repr=False)
    model: str | None = None
    credential: ApiKey | None = None
    streamed: bool = False
    choices: int = 1
