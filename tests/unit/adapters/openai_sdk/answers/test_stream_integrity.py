"""However an upstream's stream is cut, the client gets its events whole, once and in order."""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.openai_sdk.answers.sse_relay import SseRelay
from modegate.adapters.openai_sdk.answers.streamed_answer import begin_stream, events_of
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.domain.errors import (
    BadUpstreamResponseError,
    EmptyResponseError,
    UpstreamInvalidResponseError,
)
from modegate.domain.upstream_response import ResponseHead
from modegate.entrypoints.http.messages.event_stream import encode_stream

Event = tuple[str, ...]
"""The lines of an event, without their ends and without the blank line."""

BOM = b"\xef\xbb\xbf"
DONE = b"data: [DONE]\n\n"
LINE_ENDS = (b"\n", b"\r\n", b"\r")
SILENCE_S = 60.0
UNUSABLE = (BadUpstreamResponseError, EmptyResponseError, UpstreamInvalidResponseError)


class Body:
    """The body of an answer that arrives in the given pieces."""

    ended = False

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter([piece for piece in pieces if piece])

    def take(self) -> bytes:
        return next(self._pieces, b"")

    async def read(self) -> bytes:
        return self.take()

    def bound_silence(self, _: float) -> None:
        pass


class Came:
    """An answer with the content type of events."""

    head = ResponseHead(200, (("content-type", "text/event-stream"),))
    says_events = True

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.body = Body(pieces)


async def written(pieces: Iterable[bytes], failed: list[str]) -> list[bytes]:
    """What the gateway writes to the client, piece by piece."""
    answer = cast("Answer", Came(pieces))
    begun = await begin_stream(answer, SseRelay(1), lambda: None)
    events = events_of(begun, answer.body, SILENCE_S)
    return [piece async for piece in encode_stream(events, failed.append)]


def parsed(stream: bytes) -> list[tuple[str, str, str]]:
    """The events of a stream as a browser dispatches them: type, data and the last id."""
    found: list[tuple[str, str, str]] = []
    data: list[str] = []
    kind = last_id = ""
    text = stream.decode(errors="replace").removeprefix("\ufeff")
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                found.append((kind or "message", "\n".join(data), last_id))
            kind, data = "", []
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id":
            last_id = value
    return found


def chunk(text: str | None = None, reason: str | None = None, **more: object) -> str:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    value = {"id": "c", "choices": [choice], **more}
    return "data: " + json.dumps(value, ensure_ascii=False)


HEL, LO = (chunk("Hél"), chunk("lo 🦀"))
FINISH, USAGE = chunk(None, "stop"), 'data: {"id":"c","choices":[],"usage":{"total_tokens":3}}'
END = "data: [DONE]"
STREAMS: Mapping[str, Sequence[Event]] = {
    "a usual stream": [(HEL,), (LO,), (FINISH,), (USAGE,), (END,)],
    "no end mark": [(HEL,), (LO,), (FINISH,)],
    "no end mark, usage last": [(HEL,), (FINISH,), (USAGE,)],
    "one event": [(chunk("Hé", "stop"),)],
    "text with the finish": [(HEL,), (chunk("lo", "stop"),), (END,)],
    "text after the finish": [(HEL,), (FINISH,), (chunk(" after"),), (END,)],
    "text after the finish, no end mark": [(HEL,), (FINISH,), (chunk(" after"),)],
    "usage with the last delta": [(HEL,), (chunk("lo", "stop", usage={"total_tokens": 3}),), (END,)],
    "comments": [(": first",), (HEL, ": within"), (":",), (FINISH,), (": late",), (END,)],
    "fields": [("event: message", "id: 1", HEL), ("retry: 3000",), ("id: 2", FINISH), (END,)],
    "fields of the end mark": [(HEL,), (FINISH,), ("event: end", "id: 9", END)],
    "fields behind the data": [(HEL, "id: 1", "event: delta"), (FINISH, "retry: 1"), (END,)],
    "no space behind the colon": [(HEL.replace(": ", ":", 1),), (FINISH,), ("data:[DONE]",)],
    "data of several lines": [('data: {"choices": [{"index": 0,', 'data:  "delta": {"content": "x"}}]}'), (FINISH,), (END,)],
    "the end mark as text": [(chunk("data: [DONE]\n\ndata: [DONE]"),), (FINISH,), (END,)],
    "a text about errors": [(chunk('{"error": "event: error"}'),), (FINISH,), (END,)],
    "separators of other formats": [(chunk("a\u2028b\u2029c\u0085d\x0b\x0c\x1c"),), (FINISH,), (END,)],
    "an error at the end": [(HEL,), ("event: error", 'data: {"error": {"message": "é"}}'), (END,)],
}  # fmt: skip


def rendered(stream: Sequence[Event], end: bytes) -> bytes:
    return b"".join(b"".join(line.encode() + end for line in event) + end for event in stream)


def expected(sent: bytes) -> bytes:
    """The bytes for the client: those of the upstream up to its end mark, and our own."""
    plain = sent.removeprefix(BOM)
    mark = re.search(rb"(?:\A|(?<=[\r\n]))data: ?\[DONE\]", plain)
    return (plain if mark is None else plain[: mark.start()]) + DONE


async def check(sent: bytes, *pieces: bytes) -> None:
    failed: list[str] = []
    got = b"".join(await written(pieces, failed))
    assert got == expected(sent), pieces
    assert parsed(got)[:-1] == [it for it in parsed(sent) if it[1] != "[DONE]"]
    assert failed == (["upstream_error"] if b"event: error" in sent.splitlines() else [])


def plain_end(stream: Sequence[Event]) -> bytes:
    """The stream without the line ends at its end."""
    return rendered(stream, b"\n").rstrip(b"\n")


@pytest.mark.parametrize("end", LINE_ENDS, ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("name", STREAMS)
async def test_every_cut_gives_the_client_the_same_bytes(name: str, end: bytes) -> None:
    sent = rendered(STREAMS[name], end)
    await check(sent, *(sent[i : i + 1] for i in range(len(sent))))
    for at in range(len(sent)):
        await check(sent, sent[:at], sent[at:])


@pytest.mark.parametrize("end", LINE_ENDS, ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("name", STREAMS)
async def test_a_byte_order_mark_is_dropped_however_it_is_cut(name: str, end: bytes) -> None:
    sent = BOM + rendered(STREAMS[name], end)
    await check(sent, *(sent[i : i + 1] for i in range(len(sent))))
    for at in range(len(BOM) + len(b"data: ")):
        await check(sent, sent[:at], sent[at:])


@pytest.mark.parametrize("missing", [b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\n\r"])
@pytest.mark.parametrize("name", STREAMS)
async def test_the_last_event_needs_no_blank_line(name: str, missing: bytes) -> None:
    sent = plain_end(STREAMS[name])
    for given_end in (missing[:at] for at in range(len(missing) + 1)):
        for pieces in ([sent + given_end], [sent, given_end], [sent[:-1], sent[-1:], given_end]):
            got = b"".join(await written(pieces, []))
            assert parsed(got)[:-1] == [it for it in parsed(sent + b"\n\n") if it[1] != "[DONE]"]
            assert got.endswith(DONE)
            assert len(re.findall(rb"(?:\A|[\r\n])data: ?\[DONE\]", got)) == 1


@pytest.mark.parametrize("end", LINE_ENDS, ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_that_ends_too_early_gives_whole_events_and_says_so(
    name: str, end: bytes
) -> None:
    sent = rendered(STREAMS[name], end)
    whole = [it[1] for it in parsed(sent)]
    for at in range(len(sent)):
        failed: list[str] = []
        try:
            got = parsed(b"".join(await written([sent[:at]], failed)))
        except UNUSABLE:
            assert not [it for it in parsed(sent[:at]) if "choices" in it[1]]
            continue
        *events, done = (it[1] for it in got)
        assert done == "[DONE]"
        if failed and failed != ["upstream_error"]:
            assert '"stream_error"' in events.pop()
        assert events == whole[: len(events)]
        finished = any('"stop"' in it or '"error": {' in it for it in events)
        assert finished == (failed in ([], ["upstream_error"]))


LINES = st.sampled_from(LINE_ENDS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CHUNKS = st.builds(chunk, TEXTS, st.sampled_from([None, "stop"]))
FIELDS = st.sampled_from(["event: message", "id: 7", "retry: 5", ": comment", ":", "other: x"])
EVENTS = st.builds(
    lambda before, data, after: (*before, data, *after),
    st.lists(FIELDS, max_size=2),
    CHUNKS,
    st.lists(FIELDS, max_size=2),
)
MIXED = st.lists(st.one_of(EVENTS, st.lists(FIELDS, min_size=1, max_size=2).map(tuple)), max_size=4)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A complete stream with any line ends, and its pieces as they arrive."""
    events = [*draw(MIXED), (FINISH,), *draw(MIXED)]
    if draw(st.booleans()):
        events.append((END,))
    sent = draw(st.sampled_from([b"", BOM]))
    for line in (line for event in events for line in (*event, "")):
        end = draw(LINES)
        joins = not line and sent.endswith(b"\r") and end == b"\n"  # the two would be one line end
        sent += line.encode() + (b"\r" if joins else end)
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=12)))
    starts, ends = [0, *cuts], [*cuts, len(sent)]
    return sent, [sent[a:b] for a, b in zip(starts, ends, strict=True)]


@given(streams())
def test_any_stream_in_any_pieces_arrives_whole_and_once(stream: tuple[bytes, list[bytes]]) -> None:
    sent, pieces = stream
    asyncio.run(check(sent, *pieces))


@given(streams())
def test_each_write_ends_with_a_whole_event(stream: tuple[bytes, list[bytes]]) -> None:
    *pieces, last = asyncio.run(written(stream[1], []))
    assert last == DONE
    sent = b""
    for piece in pieces:
        sent += piece
        assert parsed(sent + b": a comment between\n\n") == parsed(sent)
