"""A request to an upstream, as bytes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import field

from modegate.domain.answer.usage import Usage
from modegate.domain.errors.gateway_error import GatewayError
from modegate.domain.routing.operation import Spending
from modegate.domain.routing.upstream import Upstream
from modegate.lazy_dataclass import dataclass


def noop(_: GatewayError) -> None:
    """No-op callback."""


def unmetered(_: Usage, __: str | None) -> None:
    """No-op callback."""


@dataclass(slots=True)
class BodyStream:
    """A body that is sent while it arrives; `length` is in bytes, None if it is unknown."""

    pieces: AsyncIterator[bytes] = field(repr=False)
    length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request asks of the upstream; `path` is relative to its address, percent-encoded.

    `query` has no leading `?`. `headers` describe the content, and have names in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True, kw_only=True)  # not frozen: created for each request
class UpstreamRequest:
    """A request to relay. A complete streamed answer has `choices` finish reasons.

    Without a `target` it is a chat completion. An answer that is relayed `unchanged` is neither
    checked nor converted.
    `repeats_rate_limits` states whether a 429 is repeated with the same credential. `on_failure` is
    called with the error of each attempt that is repeated so. `time_left_s` bounds the seconds until
    the first byte; None for the backend's own bound. A body that is read from a client
    while it is sent is not `is_repeatable`.

    `traceparent` is sent as the header of this name.

    `on_usage` is called once the answer has ended, also if it was cut, with its usage and the model
    that it names; `spending` states what the answer says about its usage. If the request
    `hides_usage`, the chunk without choices that has a stream's usage is not for the client; one that
    `needs_usage` has it also where the client did not ask.
    """

    upstream: Upstream
    body: bytes | BodyStream = field(repr=False)
    target: Target | None = None
    unchanged: bool = False
    streamed: bool = False
    choices: int = 1
    repeats_rate_limits: bool = True
    is_repeatable: bool = True
    time_left_s: float | None = None
    spending: Spending = Spending.TOKENS
    hides_usage: bool = False
    needs_usage: bool = False
    traceparent: str | None = None
    on_failure: Callable[[GatewayError], None] = field(default=noop, repr=False, compare=False)
    on_usage: Callable[[Usage, str | None], None] = field(
        default=unmetered, repr=False, compare=False
    )

    @property
    def body_size(self) -> int:
        """The bytes of the body; 0 if it is read while it is sent."""
        return len(self.body) if isinstance(self.body, bytes) else 0
