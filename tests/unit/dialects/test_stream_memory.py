"""What the state of a stream takes in memory while it grows; sizes, not times."""

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from modegate.dialects.chat.dialect import ChatDialect
from modegate.dialects.chat.upstream.stream import ChunkReader
from modegate.dialects.dialect import Dialect
from modegate.dialects.messages.dialect import MessagesDialect
from modegate.dialects.messages.upstream.answer import MessageReader
from modegate.dialects.responses.dialect import ResponsesDialect
from modegate.dialects.upstream_dialect import AnswerReader
from modegate.domain.answer.events import (
    AnswerEvent,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.fold import Folding
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.heard import HeardAnswer
from modegate.domain.tools.client_tool import ClientTool, ToolOffer

FRAME = AnswerFrame(
    completion_id="chatcmpl-1",
    created=1,
    model="m",
    echoed={"tools": [{"type": "custom", "name": "patch"}]},
    tools=ToolOffer((ClientTool("patch", "", {}, free_text=True),)),
)
DELTAS, SIZE = 5_000, 20
TEXT = DELTAS * SIZE
# What Python itself keeps for reuse.
NOTHING = 60_000
# The text itself, and what has not been joined yet; a list of the pieces would take four times it.
ITSELF = int(TEXT * 1.4) + NOTHING


@contextmanager
def growth() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]

        def grown() -> int:
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before

        yield grown
    finally:
        tracemalloc.stop()


def text_of(number: int) -> str:
    return f"{number:0{SIZE}}"


def deltas(kind: str) -> Iterator[AnswerEvent]:
    if kind == "call":
        yield ToolCallStarted(0, "call_1", "get")
    if kind == "custom call":
        yield ToolCallStarted(0, "call_1", "patch")
    for number in range(DELTAS):
        text = text_of(number)
        if kind == "text":
            yield TextDelta(text)
        elif kind == "reasoning":
            yield ReasoningDelta(text)
        else:
            yield ToolCallDelta(0, text)


@pytest.mark.parametrize(
    ("dialect", "kind", "most"),
    [
        (ChatDialect(), "text", NOTHING),
        (ChatDialect(), "reasoning", NOTHING),
        (ChatDialect(), "call", NOTHING),
        (ChatDialect(), "custom call", ITSELF),
        (MessagesDialect(), "text", NOTHING),
        (MessagesDialect(), "reasoning", NOTHING),
        (MessagesDialect(), "call", ITSELF),
        (ResponsesDialect(), "text", ITSELF),
        (ResponsesDialect(), "reasoning", ITSELF),
        (ResponsesDialect(), "call", ITSELF),
        (ResponsesDialect(), "custom call", ITSELF),
    ],
)
def test_a_renderer_holds_at_most_what_it_must_repeat(
    dialect: Dialect, kind: str, most: int
) -> None:
    renderer = dialect.stream(FRAME)
    renderer.render(Started())
    with growth() as grown:
        for event in deltas(kind):
            renderer.render(event)
        assert grown() < most


@pytest.mark.parametrize("kind", ["text", "reasoning", "call"])
@pytest.mark.parametrize("add", [Folding().add, HeardAnswer().note])
def test_a_complete_answer_is_collected_as_its_texts(
    add: Callable[[AnswerEvent], object], kind: str
) -> None:
    with growth() as grown:
        for event in deltas(kind):
            add(event)
        assert grown() < ITSELF


def chunk(number: int) -> bytes:
    choice = {"index": 0, "delta": {"content": text_of(number)}}
    return b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode()


def block_delta(number: int) -> bytes:
    delta = {"type": "text_delta", "text": text_of(number)}
    data = {"type": "content_block_delta", "index": 0, "delta": delta}
    return b"event: content_block_delta\ndata: %b\n\n" % json.dumps(data).encode()


BLOCK = b'data: {"type": "content_block_start", "content_block": {"type": "text"}}\n\n'


@pytest.mark.parametrize(
    ("reader", "begin", "event"),
    [(ChunkReader(), chunk(0), chunk), (MessageReader(), BLOCK, block_delta)],
)
def test_a_reader_holds_nothing_of_what_it_has_read(
    reader: AnswerReader, begin: bytes, event: Callable[[int], bytes]
) -> None:
    reader.feed(begin)
    with growth() as grown:
        for number in range(DELTAS):
            (delta,) = reader.feed(event(number))
            assert delta == TextDelta(text_of(number))
        assert grown() < NOTHING
