"""One request of a batch, and its result."""

from dataclasses import field

from modegate.domain.answer.usage import Usage
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.mode import Mode
from modegate.lazy_dataclass import dataclass

SUCCESSES = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One request; `url` is one of `ENDPOINTS`. Without a `mode` it has that of its batch."""

    custom_id: str
    url: str
    body: ChatBody
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Says that the same request may succeed later, after `after_s` seconds; None if unknown."""

    after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The result of one request: the response as HTTP would have it.

    `body` is JSON, or any text of an upstream. `error` is the code of an error of the gateway.
    `retry` is None if the request succeeded, or would fail again. `cost_usd` is None if no price is
    known.
    """

    custom_id: str
    status: int
    body: bytes = field(repr=False)
    request_id: str
    error: str | None = None
    retry: Retry | None = None
    usage: Usage | None = None
    cost_usd: float | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the request was answered."""
        return self.status in SUCCESSES
