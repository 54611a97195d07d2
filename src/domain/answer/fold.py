"""A complete answer, folded from its events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    ReasoningDelta,
    ReasoningSigned,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.growing_text import GrowingText
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall
from modegate.domain.conversation.thought import Thought
from modegate.domain.errors.catalogue import backend
from modegate.domain.parameters.turn_setting import TurnSetting


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete answer; `reasoning` is empty where the backend shows none.

    `calls` are those of the client's tools. `thoughts` are the parts of the reasoning, if its API has
    signed any. `stop_text` is the client's text that ended the answer.

    `cli_session_id` is the id under which the backend keeps the conversation; `ignored` are the
    settings of the turn that it could not apply.
    """

    text: str
    finish_reason: FinishReason
    usage: Usage
    cli_session_id: str | None = None
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    ignored: tuple[TurnSetting, ...] = ()
    thoughts: tuple[Thought, ...] = ()
    stop_text: str | None = None

    @property
    def reasoning_parts(self) -> tuple[Thought, ...]:
        """The reasoning by its thoughts; as one where none is signed."""
        return self.thoughts or ((Thought(self.reasoning),) if self.reasoning else ())


class Folding:
    """Folds the events of one answer as they come.

    Its memory is that of the texts: a list of many small pieces would need several times as much.
    """

    def __init__(self) -> None:
        self._text = GrowingText()
        self._thought = GrowingText()  # since the last signature
        self._signed: list[Thought] = []
        self._calls: dict[int, tuple[str, str, GrowingText]] = {}
        self._started = Started()

    def add(self, event: AnswerEvent) -> Completion | None:
        """Takes the next event, and returns the complete answer after the last one."""
        match event:
            case TextDelta(text):
                self._text.add(text)
            case ReasoningDelta(text):
                self._thought.add(text)
            case ReasoningSigned(signature, sealed):
                self._signed.append(Thought(self._thought.text, signature, sealed=sealed))
                self._thought = GrowingText()
            case ToolCallStarted(index, call_id, name):
                self._calls[index] = (call_id, name, GrowingText())
            case ToolCallDelta(index, arguments):
                self._calls[index][2].add(arguments)
            case Started():
                self._started = event
            case Finished():
                return self._completion(event)
            case _:
                pass
        return None

    def _completion(self, finished: Finished) -> Completion:
        calls = (ToolCall(*it[:2], it[2].text) for _, it in sorted(self._calls.items()))
        thoughts, rest = tuple(self._signed), self._thought.text
        if thoughts and rest:
            thoughts = (*thoughts, Thought(rest))
        return Completion(
            self._text.text,
            finished.finish_reason,
            finished.usage,
            self._started.cli_session_id,
            "".join(it.text for it in thoughts) if thoughts else rest,
            tuple(calls),
            self._started.ignored,
            thoughts,
            finished.stop_text,
        )


async def fold(events: AsyncIterator[AnswerEvent]) -> Completion:
    """Returns the complete answer.

    Raises:
        BackendCrashedError: the events ended without `Finished`.
    """
    folding = Folding()
    async for event in events:
        if (completion := folding.add(event)) is not None:
            return completion
    raise backend.ended_early()
