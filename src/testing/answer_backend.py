"""A backend that plays a script."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall
from modegate.domain.turn import Turn

USAGE = Usage(prompt_tokens=10, completion_tokens=2, cached_tokens=4)
CUT_USAGE = Usage(prompt_tokens=10, completion_tokens=1, estimated=True)


def says(*words: str, reason: FinishReason = FinishReason.STOP) -> tuple[AnswerEvent, ...]:
    """Returns the events of a complete answer."""
    return (Started(), MessageStarted(), *map(TextDelta, words), Finished(reason, USAGE))


def calls(*called: ToolCall, text: str = "") -> tuple[AnswerEvent, ...]:
    """Returns the events of an answer that calls tools of the client; `text` comes before them."""
    said = [TextDelta(text)] if text else []
    events = [it for index, call in enumerate(called) for it in _call(index, call)]
    finished = Finished(FinishReason.TOOL_CALLS, USAGE)
    return (Started(), MessageStarted(), *said, *events, finished)


def _call(index: int, call: ToolCall) -> Iterator[AnswerEvent]:
    yield ToolCallStarted(index, call.id, call.name)
    if call.arguments:
        yield ToolCallDelta(index, call.arguments)


Step = AnswerEvent | Exception | float


class ScriptedBackend:
    """Plays its script for every turn: yields events, raises errors, sleeps numbers of seconds.

    `script_next` gives the next turns scripts of their own.
    `turns` are those that it received; `open` counts the calls that run, and is 0 once everything
    is released.
    """

    def __init__(self, *script: Step) -> None:
        self.script: Sequence[Step] = script or says("Hello ", "there.")
        self._next: deque[Sequence[Step]] = deque()
        self.turns: list[Turn] = []
        self.open = 0

    def script_next(self, *script: Step) -> None:
        """Appends the script of one turn; turns after these play the usual one."""
        self._next.append(script)

    @asynccontextmanager
    async def generate(self, turn: Turn) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        """Plays the script."""
        self.turns.append(turn)
        self.open += 1
        played: list[AnswerEvent] = []
        try:
            async with aclosing(self._play()) as script, aclosing(_noted(script, played)) as events:
                yield events
        finally:
            self.open -= 1
            if played and not isinstance(played[-1], Finished):
                turn.on_cut(CUT_USAGE, None)

    async def _play(self) -> AsyncGenerator[AnswerEvent, None]:
        for step in self._next.popleft() if self._next else self.script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                yield step


async def _noted(
    events: AsyncIterator[AnswerEvent], played: list[AnswerEvent]
) -> AsyncGenerator[AnswerEvent, None]:
    async for event in events:
        played.append(event)
        yield event
