"""What the pipeline returns for a request: one shape a route."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.upstream_response import UpstreamResponse


@dataclass(frozen=True, slots=True)
class CompleteAnswer:
    """A generated answer that is complete."""

    frame: AnswerFrame
    completion: Completion


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """A generated answer whose first event is there, so that its status is known."""

    frame: AnswerFrame
    first: AnswerEvent
    rest: AsyncIterator[AnswerEvent]


@dataclass(frozen=True, slots=True)
class RelayedAnswer:
    """The response of an upstream, to be relayed unchanged."""

    response: UpstreamResponse


RoutedAnswer = CompleteAnswer | StreamedAnswer | RelayedAnswer
