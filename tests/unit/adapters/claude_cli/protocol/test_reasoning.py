"""Reasoning of the model in an answer."""

import json
from pathlib import Path

from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.domain.answer.events import MessageStarted, ReasoningDelta, Started, TextDelta

Event = dict[str, object]

TOKENS = [TextDelta(f"tok{i} ") for i in range(6)]


def stream_event(**event: object) -> Event:
    return {"type": "stream_event", "session_id": "s", "event": event}


def start(message_id: str) -> Event:
    return stream_event(type="message_start", message={"id": message_id})


def thought(piece: str) -> Event:
    delta = {"type": "thinking_delta", "thinking": piece}
    return stream_event(type="content_block_delta", index=0, delta=delta)


def said(piece: str) -> Event:
    delta = {"type": "text_delta", "text": piece}
    return stream_event(type="content_block_delta", index=1, delta=delta)


THINKS = stream_event(type="content_block_start", index=0, content_block={"type": "thinking"})
TEXT = stream_event(type="content_block_start", index=1, content_block={"type": "text"})
ENDED_BLOCK = stream_event(type="content_block_stop", index=0)


def test_shown_reasoning_comes_before_the_text(captures: Path) -> None:
    translator = Translator(shows_reasoning=True)
    chunks = [
        chunk
        for line in (captures / "thinking.ndjson").read_bytes().splitlines()
        for chunk in translator.feed(json.loads(line))
    ]
    assert chunks[1:-1] == [MessageStarted(), ReasoningDelta("Let me think."), *TOKENS]
    assert translator.reasoning == "Let me think."


def test_reasoning_of_an_abandoned_message_does_not_count() -> None:
    translator = Translator(handed_out=False, shows_reasoning=True)
    for event in (
        start("a"),
        THINKS,
        thought("Once."),
        start("b"),
        THINKS,
        thought("Twice."),
        ENDED_BLOCK,
        said("x"),
    ):
        list(translator.feed(event))
    assert translator.reasoning == "Twice."


def test_a_model_reasons_until_its_block_ends() -> None:
    translator = Translator()
    seen = []
    for event in (start("a"), THINKS, thought("Well."), ENDED_BLOCK, TEXT):
        list(translator.feed(event))
        seen.append(translator.is_reasoning)
    assert seen == [False, True, True, False, False]


def test_reasoning_that_came_whole_is_shown() -> None:
    content = [{"type": "thinking", "thinking": "Well."}, {"type": "text", "text": "Yes."}]
    event = {"type": "assistant", "message": {"id": "m", "content": content}}
    shown = [*Translator(shows_reasoning=True).feed(event)]
    assert shown == [Started(), MessageStarted(), ReasoningDelta("Well."), TextDelta("Yes.")]
