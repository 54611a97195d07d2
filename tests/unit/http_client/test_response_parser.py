import gc
import weakref
from contextlib import suppress
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.answers import BODY, CASES, CHUNKED, CHUNKS, END, LAST, LENGTH, OK, Case

from modegate.http_client.errors import DisconnectedError, InvalidResponseError
from modegate.http_client.messages.response_parser import MAX_FRAMING_BYTES, ResponseParser

WHOLE = OK + LENGTH + END + BODY


def parsed(pieces: list[bytes], *, closes: bool = False, method: str = "POST") -> ResponseParser:
    parser = ResponseParser(method)
    try:
        for piece in pieces:
            parser.feed(piece)
        if closes:
            parser.feed_eof()
    finally:
        parser.close()
    return parser


def check(case: Case, pieces: list[bytes]) -> None:
    if case.body is None:
        with pytest.raises(InvalidResponseError):
            parsed(pieces, closes=case.closes, method=case.method)
        return
    parser = parsed(pieces, closes=case.closes, method=case.method)
    assert parser.complete
    assert (parser.status, b"".join(parser.pieces)) == (case.status, case.body)
    assert (parser.keep_alive and not parser.unexpected) == case.reusable


def cut(raw: bytes, *places: int) -> list[bytes]:
    ends = [0, *sorted(places), len(raw)]
    return [piece for one, two in pairwise(ends) if (piece := raw[one:two])]


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_the_same_wherever_it_is_cut(name: str) -> None:
    case = CASES[name]
    check(case, [case.raw])
    check(case, [case.raw[i : i + 1] for i in range(len(case.raw))])
    for place in range(1, len(case.raw)):
        check(case, cut(case.raw, place))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_the_same_wherever_it_is_cut_twice(name: str) -> None:
    case = CASES[name]
    for places in combinations(range(1, len(case.raw)), 2):
        check(case, cut(case.raw, *places))


@given(name=st.sampled_from(sorted(CASES)), places=st.lists(st.integers(1, 400), max_size=12))
def test_an_answer_is_the_same_however_often_it_is_cut(name: str, places: list[int]) -> None:
    raw = CASES[name].raw
    check(CASES[name], cut(raw, *{place for place in places if place < len(raw)}))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    for raw in (data, OK + data, OK + CHUNKED + END + data):
        with suppress(InvalidResponseError):
            parsed([raw], closes=True)


@pytest.mark.parametrize("place", range(len(WHOLE) + 1))
@pytest.mark.parametrize("late", [WHOLE, b"H", b"!", b"\x00", b"0\r\n\r\n"])
def test_bytes_behind_an_answer_are_no_part_of_it(late: bytes, place: int) -> None:
    parser = parsed([WHOLE[:place], WHOLE[place:] + late])
    assert b"".join(parser.pieces) == BODY
    assert parser.headers == [(b"Content-Length", b"5")]
    assert parser.unexpected


def test_bytes_behind_an_answer_that_come_later_are_no_part_of_it() -> None:
    parser = parsed([WHOLE, WHOLE])
    assert b"".join(parser.pieces) == BODY
    assert parser.unexpected


def test_trailers_are_no_headers() -> None:
    parser = parsed([OK + CHUNKED + END + CHUNKS + LAST + b"Set-Cookie: x\r\n" + END])
    assert parser.headers == [(b"Transfer-Encoding", b"chunked")]


def test_headers_of_interim_answers_are_dropped() -> None:
    parser = parsed([b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + WHOLE])
    assert parser.headers == [(b"Content-Length", b"5")]


def test_blanks_around_a_value_are_dropped() -> None:
    parser = parsed([OK + b"A: \t b c \t\r\nB:\r\n" + LENGTH + END + BODY])
    assert parser.headers[:2] == [(b"A", b"b c"), (b"B", b"")]


def test_a_tunnel_has_no_body() -> None:
    parser = parsed([OK + END], method="CONNECT")
    assert parser.complete
    assert not parser.unexpected
    assert parsed([OK + END + b"x"], method="CONNECT").unexpected
    assert not parsed([b"HTTP/1.1 407 No\r\n" + LENGTH + END], method="CONNECT").complete


ENDLESS = {
    "a status line": (b"HTTP/1.1 200 ", b"x"),
    "a header name": (OK, b"x"),
    "a header": (OK + b"A: ", b"x"),
    "headers": (OK, b"A: b\r\n"),
    "empty headers": (OK, b"A:\r\n"),
    "blank lines": (b"", b"\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk size": (OK + CHUNKED + END, b"0"),
    "a chunk extension": (OK + CHUNKED + END + b"5;", b"x"),
    "a trailer": (OK + CHUNKED + END + LAST + b"A: ", b"x"),
    "trailers": (OK + CHUNKED + END + LAST, b"A: b\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_bounded(name: str) -> None:
    begin, unit = ENDLESS[name]
    for size in (1_000, 60_000):
        piece = unit * (size // len(unit))
        pieces = [begin, *[piece] * (3 + 2 * MAX_FRAMING_BYTES // size)]
        with pytest.raises(InvalidResponseError):
            parsed(pieces)


def test_a_long_header_and_many_headers_are_taken_up_to_the_bound() -> None:
    parsed([OK + b"A: " + b"x" * 60_000 + END + LENGTH + END + BODY])
    parsed([OK + b"A: b\r\n" * 250 + LENGTH + END + BODY])
    for head in (b"A: " + b"x" * MAX_FRAMING_BYTES + END, b"A: b\r\n" * 300):
        with pytest.raises(InvalidResponseError):
            parsed([OK + head + LENGTH + END + BODY])


def test_a_long_stream_of_small_chunks_is_no_excess_of_framing() -> None:
    parser = ResponseParser("POST")
    parser.feed(OK + CHUNKED + END)
    for _ in range(MAX_FRAMING_BYTES // 4):
        parser.feed(b"1;abc\r\n")
        parser.feed(b"x\r\n")
    parser.feed(LAST + END)
    parser.close()
    assert parser.complete
    assert parser.size == MAX_FRAMING_BYTES // 4


REUSABLE = [name for name, case in CASES.items() if case.reusable and case.body is not None]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("earlier", REUSABLE)
def test_the_answer_before_on_the_same_connection_changes_nothing(earlier: str, name: str) -> None:
    before, case = CASES[earlier], CASES[name]
    parser = ResponseParser(before.method)
    try:
        parser.feed(before.raw)
        status, headers, pieces = parser.status, parser.headers, parser.pieces
        kept = ([*headers], [*pieces])
        parser.begin(case.method)
        if case.body is None:
            with pytest.raises(InvalidResponseError):
                feed(parser, case)
            return
        feed(parser, case)
    finally:
        parser.close()
    assert status == before.status
    assert ([*headers], [*pieces]) == kept, "what was read of the answer before has changed"
    alone = parsed([case.raw], closes=case.closes, method=case.method)
    for attribute in (
        "status",
        "headers",
        "pieces",
        "size",
        "complete",
        "keep_alive",
        "unexpected",
    ):
        assert getattr(parser, attribute) == getattr(alone, attribute), attribute


def feed(parser: ResponseParser, case: Case) -> None:
    parser.feed(case.raw)
    if case.closes:
        parser.feed_eof()


def test_a_connection_that_ends_before_an_answer_has_no_answer_to_complete() -> None:
    parser = ResponseParser("POST")
    parser.feed(WHOLE)
    parser.begin("POST")
    with pytest.raises(DisconnectedError):
        parser.feed_eof()
    parser.close()


def test_a_closed_parser_needs_no_garbage_collector() -> None:
    gc.disable()
    try:
        parser = ResponseParser("POST")
        parser.feed(WHOLE)
        gone = weakref.ref(parser)
        parser.close()
        del parser
        assert gone() is None
    finally:
        gc.enable()
