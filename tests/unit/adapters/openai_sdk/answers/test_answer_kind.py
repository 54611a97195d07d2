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
def test_the_first_bytes_decide(data: bytes, kind: AnswerKind, ended: bool) -> None:
    assert kind_of(data, says_events=False, ended=ended) is kind


@pytest.mark.parametrize("data", [b"", b" \n", b"d", b"data", b"data ", b"re", BOM[:2], BOM])
def test_too_few_bytes_decide_nothing_until_the_end(data: bytes) -> None:
    assert kind_of(data, says_events=True, ended=False) is AnswerKind.UNDECIDED
    assert kind_of(data, says_events=True, ended=True) is not AnswerKind.UNDECIDED


def test_a_field_of_any_name_is_an_event_where_the_label_says_events() -> None:
    assert kind_of(b"upstream: x", says_events=True, ended=False) is AnswerKind.EVENTS
    assert kind_of(b"<html>", says_events=True, ended=False) is AnswerKind.WEB_PAGE


def test_nothing_is_nothing() -> None:
    assert kind_of(b" \n", says_events=True, ended=True) is AnswerKind.NOTHING


def test_the_start_is_without_blanks_and_mark() -> None:
    assert plain_start(b"\n" + BOM + b" {}\n") == b"{}\n"
