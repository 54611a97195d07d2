"""The message that a client gets with the events of an answer."""

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.growing_text import GrowingText
from modegate.domain.conversation.message import Message, Role, TextPart, ToolCall


class HeardAnswer:
    """Collects the events that are passed on to a client."""

    def __init__(self) -> None:
        self._text = GrowingText()
        self._calls: dict[int, tuple[str, str, GrowingText]] = {}
        self._finished: Finished | None = None

    def note(self, event: AnswerEvent) -> None:
        """Takes the next event."""
        match event:
            case TextDelta(text):
                self._text.add(text)
            case ToolCallStarted(index, call_id, name):
                self._calls[index] = (call_id, name, GrowingText())
            case ToolCallDelta(index, arguments):
                self._calls[index][2].add(arguments)
            case Finished():
                self._finished = event
            case _:
                pass

    @property
    def is_complete(self) -> bool:
        """Whether the last event was among them."""
        return self._finished is not None

    @property
    def is_refused(self) -> bool:
        """Whether the model refused to answer; a session forgets such a turn, unless it is the first."""
        return (
            self._finished is not None
            and self._finished.finish_reason is FinishReason.CONTENT_FILTER
        )

    @property
    def message(self) -> Message:
        """What was said so far."""
        text = self._text.text
        calls = (ToolCall(*it[:2], it[2].text) for _, it in sorted(self._calls.items()))
        return Message(Role.ASSISTANT, (TextPart(text),) if text else (), tuple(calls))
