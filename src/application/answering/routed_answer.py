"""The results of the pipeline: one type for each route."""

from collections.abc import AsyncIterator, Sequence

from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.upstream_response import UpstreamResponse
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CompleteAnswer:
    """A complete generated answer."""

    frame: AnswerFrame
    completion: Completion


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """A generated answer whose first event has arrived, so that its status is known.

    With `batches`, these are the events of `rest` as they came together, to be read in its place.
    """

    frame: AnswerFrame
    first: AnswerEvent
    rest: AsyncIterator[AnswerEvent]
    batches: AsyncIterator[Sequence[AnswerEvent]] | None = None


@dataclass(slots=True)  # not frozen: created for each request
class RelayedAnswer:
    """The response of an upstream, to be relayed unchanged."""

    response: UpstreamResponse


RoutedAnswer = CompleteAnswer | StreamedAnswer | RelayedAnswer
