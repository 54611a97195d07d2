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
from modegate.domain.errors.catalogue import backend
from modegate.domain.parameters.turn_setting import TurnSetting


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete answer; `reasoning` is empty where the backend shows none.

    `calls` are those of the client's tools. `signature` is that of the reasoning, where it is one
    thought that its API has signed. `stop_text` is the client's text that ended the answer.

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
    signature: str = ""
    stop_text: str | None = None


class Folding:
    """Folds the events of one answer as they come.

    Its memory is that of the texts: a list of many small pieces would need several times as much.
    """

    def __init__(self) -> None:
        self._text = GrowingText()
        self._thoughts = GrowingText()
        self._signatures: list[str] = []
        self._calls: dict[int, tuple[str, str, GrowingText]] = {}
        self._started = Started()

    def add(self, event: AnswerEvent) -> Completion | None:
        """Takes the next event, and returns the complete answer after the last one."""
        match event:
            case TextDelta(text):
                self._text.add(text)
            case ReasoningDelta(text):
                self._thoughts.add(text)
            case ReasoningSigned(signature):
                self._signatures.append(signature)
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
        signatures = self._signatures
        return Completion(
            self._text.text,
            finished.finish_reason,
            finished.usage,
            self._started.cli_session_id,
            self._thoughts.text,
            tuple(calls),
            self._started.ignored,
            signatures[0] if len(signatures) == 1 else "",
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
