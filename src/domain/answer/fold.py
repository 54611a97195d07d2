"""A complete answer, folded from its events."""

from collections.abc import AsyncIterator, Iterator

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
from modegate.domain.conversation.runs import (
    GrowingRuns,
    RunKind,
    Runs,
    divided,
    in_order,
    sizes_of_thoughts,
)
from modegate.domain.conversation.thought import Thought
from modegate.domain.errors.catalogue import backend
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.lazy_dataclass import dataclass

UNSIGNED = ReasoningSigned("")


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete answer; `reasoning` is empty where the backend shows none.

    `calls` are those of the client's tools. `thoughts` are the parts of the reasoning, if its API has
    signed any. `runs` have the order of thoughts, text and calls if it is not this one. `stop_text` is
    the client's text that ended the answer.

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
    runs: Runs = ()

    @property
    def pieces(self) -> Iterator[Thought | str | ToolCall]:
        """The thoughts, the texts and the calls in their order."""
        texts = (self.text,) if self.text else ()
        return in_order(self.runs, self._thoughts(), texts, self.calls)

    def _thoughts(self) -> tuple[Thought, ...]:
        """Returns the reasoning by its thoughts; where none is signed, by its runs."""
        if self.thoughts or not self.reasoning:
            return self.thoughts
        sizes = sizes_of_thoughts(self.runs) or (len(self.reasoning),)
        return tuple(map(Thought, divided(self.reasoning, sizes)))


class Folding:
    """Folds the events of one answer as they come.

    Its memory is that of the texts: a list of many small pieces would need several times as much.
    """

    def __init__(self) -> None:
        self._text = GrowingText()
        self._reasoning = GrowingText()
        self._signed: dict[int, ReasoningSigned] = {}  # by the number of the thought
        self._runs = GrowingRuns()
        self._thoughts = 0
        self._calls: dict[int, tuple[str, str, GrowingText]] = {}
        self._started = Started()

    def add(self, event: AnswerEvent) -> Completion | None:
        """Takes the next event, and returns the complete answer after the last one."""
        match event:
            case TextDelta(text):
                self._text.add(text)
                self._runs.add(RunKind.TEXT, len(text))
            case ReasoningDelta(text):
                self._reasoning.add(text)
                self._thoughts += self._runs.add(RunKind.THOUGHT, len(text))
            case ReasoningSigned():
                self._thoughts += self._runs.add(RunKind.THOUGHT, 0)
                self._signed[self._thoughts - 1] = event
                self._runs.end()
            case ToolCallStarted(index, call_id, name):
                self._runs.add(RunKind.CALL, 1)
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
        return Completion(
            self._text.text,
            finished.finish_reason,
            finished.usage,
            self._started.cli_session_id,
            self._reasoning.text,
            tuple(calls),
            self._started.ignored,
            tuple(self._told()) if self._signed else (),
            finished.stop_text,
            self._runs.runs,
        )

    def _told(self) -> Iterator[Thought]:
        """Yields the thoughts, those with a signature that have one."""
        for number, text in enumerate(divided(self._reasoning.text, self._runs.thoughts)):
            it = self._signed.get(number, UNSIGNED)
            yield Thought(text, it.signature, sealed=it.sealed, is_redacted=it.is_redacted)


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
