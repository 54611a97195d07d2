"""Redaction of credentials in answers."""

from contextlib import aclosing

import pytest

from modegate.application.answering.redaction import redacted
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.conversation.message import ToolCall
from modegate.domain.errors import BackendCrashedError
from modegate.testing.answer_backend import ScriptedBackend, Step, calls, says
from modegate.testing.turns import answer_turn

KEY = "sk-ant-api03-abcdef1234567890"


async def events_of(*script: Step, redacts: bool = False) -> list[AnswerEvent]:
    seen: list[AnswerEvent] = []
    async with (
        ScriptedBackend(*script).generate(answer_turn()) as raw,
        aclosing(redacted(raw, arguments=redacts)) as it,
    ):
        async for event in it:
            seen.append(event)  # noqa: PERF401 - keeps the events before an error
    return seen


def text_of(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_a_key_is_redacted_however_it_is_split(size: int) -> None:
    text = f"The key is {KEY}. Well, sk"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    seen = await events_of(*says(*pieces))
    assert text_of(seen) == "The key is [REDACTED]. Well, sk"
    assert all(event.text for event in seen if isinstance(event, TextDelta))
    assert isinstance(seen[0], Started)
    assert isinstance(seen[-1], Finished)


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_reasoning_is_redacted_apart_from_the_text(size: int) -> None:
    pieces = [KEY[i : i + size] for i in range(0, len(KEY), size)]
    start, begun, *rest = says("api03 is a part of it.")
    seen = await events_of(start, begun, *map(ReasoningDelta, pieces), *rest)
    thoughts = [event.text for event in seen if isinstance(event, ReasoningDelta)]
    assert "".join(thoughts) == "[REDACTED]"
    assert text_of(seen) == "api03 is a part of it."
    kinds = [type(event) for event in seen]
    assert kinds.index(TextDelta) > kinds.index(ReasoningDelta) + len(thoughts) - 1


def arguments_of(events: list[AnswerEvent], index: int) -> str:
    pieces = [it.arguments for it in events if isinstance(it, ToolCallDelta) and it.index == index]
    assert all(pieces)
    return "".join(pieces)


@pytest.mark.parametrize(("redacts", "shown"), [(True, "[REDACTED]"), (False, KEY)])
@pytest.mark.parametrize("size", [1, 3, 100])
async def test_arguments_are_redacted_where_the_operator_wants_it(
    size: int, redacts: bool, shown: str
) -> None:
    text = f'{{"key": "{KEY}", "s": "sk'
    pieces = [ToolCallDelta(0, text[i : i + size]) for i in range(0, len(text), size)]
    started, begun, first, *rest = calls(ToolCall("a", "f", ""), ToolCall("b", "g", KEY[:7]))
    seen = await events_of(started, begun, first, *pieces, *rest, redacts=redacts)
    assert arguments_of(seen, 0) == text.replace(KEY, shown)
    assert arguments_of(seen, 1) == KEY[:7]
    order = [it.index for it in seen if isinstance(it, ToolCallStarted | ToolCallDelta)]
    assert order == sorted(order)


async def test_text_held_back_is_told_before_a_call() -> None:
    seen = await events_of(*calls(ToolCall("a", "f", "{}"), text="Now sk"))
    assert text_of(seen) == "Now sk"
    kinds = [type(event) for event in seen]
    assert max(i for i, it in enumerate(kinds) if it is TextDelta) < kinds.index(ToolCallStarted)


async def test_buffered_text_is_discarded_when_the_backend_crashes() -> None:
    backend = ScriptedBackend(*says("Take sk-ant-")[:-1], BackendCrashedError("x"))
    seen: list[AnswerEvent] = []

    async def read() -> None:
        async with backend.generate(answer_turn()) as raw, aclosing(redacted(raw)) as events:
            async for event in events:
                seen.append(event)  # noqa: PERF401 - keeps the events before the error

    with pytest.raises(BackendCrashedError):
        await read()
    assert text_of(seen) == "Take "


async def test_closing_the_event_stream_early_releases_the_backend() -> None:
    backend = ScriptedBackend(*says("a", "b"))
    async with backend.generate(answer_turn()) as raw, aclosing(redacted(raw)) as events:
        assert await anext(events) == Started()
    assert backend.open == 0
