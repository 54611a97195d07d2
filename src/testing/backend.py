"""A backend that answers as a test tells it to."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from modegate.domain.completion import (
    Answer,
    Chunk,
    Completion,
    Finished,
    FinishReason,
    Started,
    TextDelta,
    TextStarted,
    Usage,
)
from modegate.domain.turn import Turn

USAGE = Usage(prompt_tokens=10, completion_tokens=2, cached_tokens=4)


def says(*words: str, reason: FinishReason = FinishReason.STOP) -> tuple[Chunk, ...]:
    """The chunks of a whole answer."""
    return (Started(), TextStarted(), *map(TextDelta, words), Finished(reason, USAGE))


Step = Chunk | Exception | float


class ScriptedBackend:
    """Plays its script for every turn: chunks are given, errors raised, numbers slept (seconds).

    `turns` are those it was asked to answer; `open` counts the calls that are under way, and is 0
    again when everything was released.
    """

    def __init__(self, *script: Step) -> None:
        self.script: Sequence[Step] = script or says("Hello ", "there.")
        self.turns: list[Turn] = []
        self.open = 0

    async def complete(self, turn: Turn) -> Answer:
        """The script's texts in one piece."""
        async with self.stream(turn) as chunks:
            seen = [chunk async for chunk in chunks]
        last = seen[-1]
        if not isinstance(last, Finished):
            raise TypeError("the script of a whole answer ends with Finished")
        text = "".join(chunk.text for chunk in seen if isinstance(chunk, TextDelta))
        return Completion(text, last.finish_reason, last.usage)

    @asynccontextmanager
    async def stream(self, turn: Turn) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The script's chunks."""
        self.turns.append(turn)
        self.open += 1
        try:
            async with aclosing(self._play()) as chunks:
                yield chunks
        finally:
            self.open -= 1

    async def _play(self) -> AsyncGenerator[Chunk, None]:
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                yield step
