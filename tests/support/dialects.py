"""Answers as events, and streams as clients read them."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    ReasoningDelta,
    ReasoningSigned,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage

USAGE = Usage(20, 9, cached_tokens=5, cache_write_tokens=3, reasoning_tokens=4)


def answer_events(
    text: Sequence[str] = ("Hello ", "there."),
    reasoning: Sequence[str] = (),
    calls: Sequence[tuple[str, str]] = (),
    reason: FinishReason = FinishReason.STOP,
    signature: str = "",
    stop_text: str | None = None,
) -> list[AnswerEvent]:
    """Returns an answer; `calls` are names and arguments, and their events overlap."""
    began = [ToolCallStarted(i, f"call_{i}", name) for i, (name, _) in enumerate(calls)]
    halves = [
        ToolCallDelta(i, part)
        for at in (0, 1)
        for i, (_, arguments) in enumerate(calls)
        if (part := (arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :])[at])
    ]
    return [
        Started("s"),
        MessageStarted(),
        *map(ReasoningDelta, reasoning),
        *map(ReasoningSigned, filter(None, (signature,))),
        *map(TextDelta, text),
        *began,
        *halves,
        Finished(FinishReason.TOOL_CALLS if calls else reason, USAGE, stop_text=stop_text),
    ]


async def each(events: Sequence[AnswerEvent]) -> AsyncIterator[AnswerEvent]:
    """Yields the events."""
    for event in events:
        yield event


def read_events(stream: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the name and the data of each server-sent event."""
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in lines:
            yield lines.get("event", ""), json.loads(lines["data"])
