"""The usage in relayed streams of Anthropic's API."""

import json

import pytest

from modegate.adapters.openai_sdk.answers.usage.content import content_usage
from modegate.adapters.openai_sdk.answers.usage.messages import MessageStreamUsage
from modegate.domain.answer.usage import Usage
from modegate.domain.routing.operation import Spending
from modegate.domain.routing.upstream import UpstreamKind


def event(kind: str, **data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps(data | {"type": kind}).encode())


BEGUN = {"input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 1}
START = event("message_start", message={"model": "claude-x", "usage": BEGUN})
TEXT = event(
    "content_block_delta", delta={"type": "text_delta", "text": 'say "message_delta" ' + "x" * 40}
)
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})


def test_a_stream_has_the_counts_of_both_events() -> None:
    usage = content_usage("text/event-stream", Spending.TOKENS, UpstreamKind.ANTHROPIC)
    assert isinstance(usage, MessageStreamUsage)
    for piece in (START, TEXT, END + event("message_stop")):
        usage.note(piece)
    assert usage.total(300, estimates=True) == (Usage(12, 9, 5), "claude-x")


@pytest.mark.parametrize("pieces", [(START, TEXT), (START + TEXT,), (START, TEXT, b"data: {\n\n")])
def test_a_cut_stream_is_estimated_from_its_text(pieces: tuple[bytes, ...]) -> None:
    usage = MessageStreamUsage()
    for piece in pieces:
        usage.note(piece)
    found, model = usage.total(300, estimates=True)
    assert model == "claude-x"
    assert found is not None
    assert (found.prompt_tokens, found.cached_tokens, found.estimated) == (12, 5, True)
    assert 12 <= found.completion_tokens <= 20


def test_a_stream_without_events_is_estimated_from_the_request() -> None:
    usage = MessageStreamUsage()
    usage.note(b'data: {"type": "message_start"}\n\ndata: {"message_delta"\n\n')
    found, model = usage.total(300, estimates=True)
    assert (found, model) == (Usage(100, 0, estimated=True), None)
    assert usage.total(300, estimates=False) == (None, None)
