import pytest

from modegate.adapters.openai_sdk.answers.answer_kind import AnswerKind, kind_of, plain_start

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"id": 1}', AnswerKind.JSON),
        (b' \r\n {"', AnswerKind.JSON),
        (BOM + b"{}", AnswerKind.JSON),
        (b"[1]", AnswerKind.JSON),
        (b"data: {}", AnswerKind.EVENTS),
        (b"data:{}", AnswerKind.EVENTS),
        (BOM + b"data: {}", AnswerKind.EVENTS),
        (b"\r\n\ndata: {}", AnswerKind.EVENTS),
        (b": comment", AnswerKind.EVENTS),
        (b"event: x", AnswerKind.EVENTS),
        (b"id: 1", AnswerKind.EVENTS),
        (b"retry: 1", AnswerKind.EVENTS),
        (b"error: {}", AnswerKind.EVENTS),
        (b"<!doctype html>", AnswerKind.WEB_PAGE),
        (b"\n<html>", AnswerKind.WEB_PAGE),
        (b"<?xml version", AnswerKind.WEB_PAGE),
        (b"Hello", AnswerKind.TEXT),
        (b"database", AnswerKind.TEXT),
        (b"upstream: gone", AnswerKind.TEXT),
        (b"\xff\xfe", AnswerKind.TEXT),
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_the_first_bytes_decide_the_answer_kind(data: bytes, kind: AnswerKind, ended: bool) -> None:
    assert kind_of(data, says_events=False, ended=ended) is kind


@pytest.mark.parametrize("data", [b"", b" \n", b"d", b"data", b"data ", b"re", BOM[:2], BOM])
def test_too_few_bytes_leave_the_answer_kind_undecided_until_the_end(data: bytes) -> None:
    assert kind_of(data, says_events=True, ended=False) is AnswerKind.UNDECIDED
    assert kind_of(data, says_events=True, ended=True) is not AnswerKind.UNDECIDED


def test_any_field_name_counts_as_sse_if_the_content_type_says_so() -> None:
    assert kind_of(b"upstream: x", says_events=True, ended=False) is AnswerKind.EVENTS
    assert kind_of(b"<html>", says_events=True, ended=False) is AnswerKind.WEB_PAGE


def test_a_cut_field_name_is_undecided_only_if_the_content_type_says_sse() -> None:
    assert kind_of(b"upstr", says_events=True, ended=False) is AnswerKind.UNDECIDED
    assert kind_of(b"upstr", says_events=False, ended=False) is AnswerKind.TEXT
    assert kind_of(b"upstr", says_events=True, ended=True) is AnswerKind.TEXT
    assert kind_of(b"up str", says_events=True, ended=False) is AnswerKind.TEXT
    assert kind_of(b"u" * 65, says_events=True, ended=False) is AnswerKind.TEXT


def test_a_blank_answer_is_of_kind_nothing() -> None:
    assert kind_of(b" \n", says_events=True, ended=True) is AnswerKind.NOTHING


def test_plain_start_strips_blanks_and_the_byte_order_mark() -> None:
    assert plain_start(b"\n" + BOM + b" {}\n") == b"{}\n"
