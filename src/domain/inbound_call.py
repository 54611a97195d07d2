"""A request for a relayed operation as it enters the pipeline."""

from collections.abc import Awaitable, Callable
from dataclasses import field, replace

from modegate.domain.inbound_request import ChatBody, Entry, InProcess, unknown
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import ModeDecision
from modegate.domain.routing.operation import Operation
from modegate.domain.routing.upstream import UpstreamKind
from modegate.domain.upstream_request import BodyStream, Target
from modegate.lazy_dataclass import dataclass

ANTHROPIC_VERSION = "/v1"


@dataclass(slots=True)
class Upload:
    """A body that is relayed while it arrives; `model` is the model that it names, if found.

    `with_model` returns the body with another name of the model.
    """

    body: BodyStream
    model: str | None = None
    with_model: Callable[[str], BodyStream] | None = None


@dataclass(slots=True, kw_only=True)
class InboundCall:
    """A request before admission; its body is read after admission.

    `upstream_key` and `conversation` are as in `InboundRequest`.
    """

    operation: Operation
    target: Target
    decision: ModeDecision
    read: Callable[[], Awaitable[ChatBody | Upload]]
    entry: Entry | InProcess = field(default_factory=InProcess)
    upstream_key: str | None = field(default=None, repr=False)
    conversation: Callable[[], str | None] = unknown
    record: RequestRecord = field(default_factory=RequestRecord)

    @property
    def upstream_target(self) -> Target:
        """The target below the upstream's address, which has no version with Anthropic."""
        if self.operation.kind is UpstreamKind.ANTHROPIC:
            return replace(self.target, path=ANTHROPIC_VERSION + self.target.path)
        return self.target
