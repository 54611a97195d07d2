"""A request to an upstream, as bytes."""

from dataclasses import dataclass, field

from modegate.domain.routing.upstream import Upstream


@dataclass(slots=True, kw_only=True)  # not frozen: created for each request
class UpstreamRequest:
    """A request to relay. A complete streamed answer has `choices` finish reasons."""

    upstream: Upstream
    body: bytes = field(repr=False)
    streamed: bool = False
    choices: int = 1
