"""A request to an upstream, as bytes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from modegate.domain.errors.gateway_error import GatewayError
from modegate.domain.routing.upstream import Upstream


def noop(_: GatewayError) -> None:
    """No-op callback."""


@dataclass(slots=True, kw_only=True)  # not frozen: created for each request
class UpstreamRequest:
    """A request to relay. A complete streamed answer has `choices` finish reasons.

    `repeats_rate_limits` states whether a 429 is repeated with the same credential. `on_failure` is
    called with the error of each attempt that is repeated so. `time_left_s` bounds the seconds until
    the first byte; None for the backend's own bound. A body that is read from a client
    while it is sent is not `is_repeatable`.
    """

    upstream: Upstream
    body: bytes = field(repr=False)
    streamed: bool = False
    choices: int = 1
    repeats_rate_limits: bool = True
    is_repeatable: bool = True
    time_left_s: float | None = None
    on_failure: Callable[[GatewayError], None] = field(default=noop, repr=False, compare=False)
