"""A backend that plays a script."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from modegate.domain.answer.events import (
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
    """Returns the chunks of a complete answer."""
    return (Started(), TextStarted(), *map(TextDelta, words), Finished(reason, USAGE))


Step = Chunk | Exception | float


class ScriptedBackend:
    """Plays its script for every turn: yields chunks, raises errors, sleeps floats (seconds).

    `turns` holds every turn received. `open` counts the calls in progress; it is 0 once all are
    released.
    """

    def __init__(self, *script: Step) -> None:
        self.script: Sequence[Step] = script or says("Hello ", "there.")
        self.turns: list[Turn] = []
        self.open = 0

    async def complete(self, turn: Turn) -> Answer:
        """Returns the texts of the script as one answer."""
        async with self.stream(turn) as chunks:
            seen = [chunk async for chunk in chunks]
        last = seen[-1]
        if not isinstance(last, Finished):
            raise TypeError("the script has no final Finished: end it with one to use complete()")
        text = "".join(chunk.text for chunk in seen if isinstance(chunk, TextDelta))
        return Completion(text, last.finish_reason, last.usage)

    @asynccontextmanager
    async def stream(self, turn: Turn) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Opens a stream of the script's chunks."""
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
