"""The usage in streams of chunks."""

import json

import pytest

from modegate.adapters.openai_sdk.answers.sse_relay import SseRelay
from modegate.adapters.openai_sdk.answers.usage.chunks import ChunkUsage
from modegate.domain.answer.usage import Usage

REPORT = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def chunk(text: str | None = None, **others: object) -> bytes:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}}]
    data = {"id": "c", "model": "m-1", "choices": choices, **others}
    return b"data: %b\n\n" % json.dumps(data).encode()


TEXTS = [
    chunk("One ", usage=None),
    b": comment\n\n",
    chunk('\\"usage\\": {"usage": {}}', usage=None),
]
FINISH = chunk("", usage=None, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
REPORTED = chunk(usage=REPORT)
DONE = b"data: [DONE]\n\n"
STREAM = b"".join([*TEXTS, FINISH, REPORTED, DONE])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("hides", [False, True])
def test_only_the_usage_chunk_is_removed_at_every_split(end: bytes, hides: bool) -> None:
    stream = STREAM.replace(b"\n", end)
    kept = b"".join([*TEXTS, FINISH, *([] if hides else [REPORTED])]).replace(b"\n", end)
    for at in range(len(stream) + 1):
        relay = SseRelay(usage=ChunkUsage(300, hides=hides))
        assert relay.feed(stream[:at]) + relay.feed(stream[at:]) + relay.finish() == kept
        assert relay.usage.total() == (Usage(9, 3), "m-1")


def test_a_usage_beside_choices_stays_and_the_last_report_counts() -> None:
    usage = ChunkUsage(300, hides=True)
    events = chunk("a", usage=REPORT | {"completion_tokens": 1}) + chunk("b", usage=REPORT)
    assert usage.look(events) == events
    assert usage.total()[0] == Usage(9, 3)


def test_a_last_report_without_completion_tokens_leaves_the_streams_own_figure() -> None:
    usage = ChunkUsage(300)
    usage.look(chunk("a", usage=REPORT))
    usage.look(chunk(usage={"prompt_tokens": 9, "completion_tokens": 0}))
    assert usage.total()[0] == Usage(9, 3)


def test_text_without_completion_tokens_is_estimated() -> None:
    usage = ChunkUsage(300)
    usage.look(chunk("a" * 40) + chunk(usage={"prompt_tokens": 9, "completion_tokens": 0}))
    (found, _) = usage.total()
    assert found.prompt_tokens == 9
    assert found.completion_tokens >= 10
    assert found.estimated


@pytest.mark.parametrize(
    ("pieces", "least", "most"),
    [
        ([chunk("")], 0, 0),
        ([chunk(""), chunk("a")], 1, 2),
        ([chunk("a" * 400)], 100, 100),
        ([chunk("word")] * 100, 99, 101),
        ([chunk(""), *[chunk("a" * 40)] * 10], 95, 105),
        ([b": hello\n\n"], 0, 0),
    ],
)
def test_a_stream_without_a_report_is_estimated(pieces: list[bytes], least: int, most: int) -> None:
    usage = ChunkUsage(300)
    for piece in pieces:
        assert usage.look(piece) == piece
    found, _ = usage.total()
    assert found.prompt_tokens == 100
    assert least <= found.completion_tokens <= most
    assert found.estimated
