"""What a dialect does: pure, on whole requests, and on one event at a time."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import ParamPolicy
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFacts:
    """An error before a dialect renders it; `status` and `kind` are those of OpenAI's API.

    `request_id` is the gateway's id of the request; None where it is not known.
    """

    status: int
    kind: str
    code: str
    message: str
    param: str | None = None
    request_id: str | None = None


class StreamFormat(Protocol):
    """The parts of a stream that are no events of the answer."""

    @property
    def keep_alive(self) -> bytes:
        """What is sent while the answer is silent."""
        ...

    def cut(self, error: ErrorFacts) -> bytes:
        """Returns the report of an answer that was cut; empty if the answer was complete."""
        ...

    def end(self) -> bytes:
        """Returns what ends the stream, or follows the report of a cut.

        A client that has it takes the answer for complete, and may go on.
        """
        ...


class StreamRenderer(StreamFormat, Protocol):
    """Renders the stream of one answer."""

    def render(self, event: AnswerEvent) -> bytes:
        """Returns the dialect's form of one event; empty if it has none."""
        ...

    def pieces(self, event: AnswerEvent) -> Iterable[bytes]:
        """Yields the same in pieces, each whole events: several of them may repeat a long text."""
        ...


class Dialect(Protocol):
    """The wire format of one API: requests to the domain's terms, and answers back."""

    def parse(
        self, params: Mapping[str, object], policy: ParamPolicy, media: MediaPolicy
    ) -> GenerationRequest:
        """Parses and validates the body of a request.

        `policy` holds the rules for the parameters of chat completions, and `media` the bounds of
        images and files.

        Raises:
            RequestError: if a value is invalid, or cannot be honoured.
        """
        ...

    def complete(self, frame: AnswerFrame, completion: Completion) -> bytes:
        """Renders a complete answer."""
        ...

    def stream(self, frame: AnswerFrame) -> StreamRenderer:
        """Returns the renderer of one streamed answer."""
        ...

    def error(self, error: ErrorFacts) -> tuple[int, bytes]:
        """Returns the dialect's status and body for an error before the answer began."""
        ...
