import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.domain.errors import StreamCutError


def sent() -> AnswerText:
    answer = AnswerText(handed_out=True)
    answer.begin_message()
    return answer


def test_added_text_is_returned_and_accumulated() -> None:
    answer = sent()
    assert [answer.add(0, "a"), answer.add(0, "b"), answer.add(1, "c")] == ["a", "b", "c"]
    assert answer.finish() == ""
    assert answer.text == "abc"


def test_repeated_text_is_dropped_and_only_new_text_is_returned() -> None:
    answer = sent()
    answer.add(0, "one two ")
    answer.abandon()
    answer.begin_message()
    assert [answer.add(0, "one"), answer.add(0, " two th"), answer.add(0, "ree")] == [
        "",
        "th",
        "ree",
    ]
    assert answer.finish() == ""
    assert answer.text == "one two three"


def test_a_retry_with_different_text_cuts_the_stream() -> None:
    answer = sent()
    answer.add(0, "one two")
    answer.abandon()
    answer.begin_message()
    assert answer.add(0, "one ") == ""
    with pytest.raises(StreamCutError):
        answer.add(0, "three")


def test_a_retry_with_shorter_text_cuts_the_stream() -> None:
    answer = sent()
    answer.add(0, "one two")
    answer.abandon()
    answer.begin_message()
    answer.add(0, "one")
    with pytest.raises(StreamCutError):
        answer.finish()


def test_text_repeated_after_two_breaks_is_dropped() -> None:
    answer = sent()
    answer.add(0, "one two three")
    answer.abandon()
    answer.begin_message()
    answer.add(0, "one")
    answer.abandon()
    answer.begin_message()
    assert answer.add(0, "one two three four") == " four"


def test_a_retry_continues_after_the_kept_blocks() -> None:
    answer = sent()
    answer.add(0, "kept. ")
    answer.add(1, "gone")
    answer.abandon(1)
    answer.begin_message()
    assert answer.add(0, "gone and more") == " and more"
    assert answer.text == "kept. gone and more"


def test_kept_blocks_that_a_retry_repeats_are_dropped() -> None:
    answer = sent()
    answer.add(0, "kept. ")
    answer.abandon(1)
    answer.begin_message()
    assert [answer.add(0, piece) for piece in ("ke", "pt. ", "More.")] == ["", "", "More."]
    assert answer.text == "kept. More."


def test_a_retry_that_only_starts_like_a_kept_block_keeps_all_its_text() -> None:
    answer = sent()
    answer.add(0, "kept. ")
    answer.abandon(1)
    answer.begin_message()
    assert [answer.add(0, piece) for piece in ("ke", "en")] == ["", "keen"]


def test_a_retry_that_ends_as_a_prefix_of_a_kept_block_keeps_its_text() -> None:
    answer = sent()
    answer.add(0, "kept. ")
    answer.abandon(1)
    answer.begin_message()
    assert answer.add(0, "kep") == ""
    assert answer.finish() == "kep"
    assert answer.text == "kept. kep"


def test_a_retry_may_differ_if_no_text_was_handed_out() -> None:
    answer = AnswerText(handed_out=False)
    answer.begin_message()
    answer.add(0, "one two three")
    answer.abandon()
    answer.begin_message()
    answer.add(0, "other")
    answer.finish()
    assert answer.text == "other"


words = st.lists(st.sampled_from(["a ", "b ", "ab "]), min_size=1, max_size=8)


@given(words=words, data=st.data())
def test_the_client_gets_every_word_once_across_stream_breaks(
    words: list[str], data: st.DataObject
) -> None:
    breaks = data.draw(st.lists(st.integers(0, len(words) - 1), max_size=3))
    answer = AnswerText(handed_out=True)
    received = ""
    for length in [*breaks, len(words)]:
        answer.begin_message()
        for word in words[:length]:
            cut = data.draw(st.integers(0, len(word)))
            received += answer.add(0, word[:cut]) + answer.add(0, word[cut:])
        if length < len(words):
            answer.abandon()
    received += answer.finish()
    assert received == answer.text == "".join(words)


def attempts(answer: AnswerText, *messages: list[str], cuts: list[int]) -> str:
    """Adds each message block by block; all but the last break off after `cut` characters."""
    out = ""
    for blocks, cut in zip(messages, [*cuts, None], strict=True):
        answer.begin_message()
        left = sum(map(len, blocks)) if cut is None else cut
        whole = 0
        for index, block in enumerate(blocks):
            for letter in block[:left]:
                out += answer.add(index, letter)
            whole += left >= len(block)
            left -= min(left, len(block))
        if cut is None:
            out += answer.end_message()
        else:
            answer.abandon(min(whole, len(blocks) - 1))
    return out + answer.finish()


@given(cuts=st.lists(st.integers(0, 20), max_size=4))
@pytest.mark.parametrize("handed_out", [False, True])
def test_a_full_repetition_after_each_of_many_breaks_is_not_duplicated(
    handed_out: bool, cuts: list[int]
) -> None:
    blocks = ["One two. ", "Three four."]
    answer = AnswerText(handed_out=handed_out)
    out = attempts(answer, *([blocks] * (len(cuts) + 1)), cuts=cuts)
    assert answer.text == "One two. Three four."
    assert out == answer.text or not handed_out


def test_a_continuation_after_the_kept_blocks_is_appended() -> None:
    answer = AnswerText(handed_out=True)
    out = attempts(answer, ["One two. ", "Three four."], ["Three four."], cuts=[12])
    assert out == answer.text == "One two. Three four."


def continued(first: str, *pieces: str) -> str:
    answer = sent()
    answer.add(0, first)
    answer.end_message()
    answer.begin_message(continues=True)
    returned = [answer.add(0, piece) for piece in pieces]
    returned.append(answer.finish())
    assert first + "".join(returned) == answer.text
    return answer.text


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("It was a dark and stormy", "dark and stormy night", "It was a dark and stormy night"),
        ("It was a dark and stormy", " night", "It was a dark and stormy night"),
        ("one two", "two three", "one twotwo three"),  # too short to tell
        ("| 1 | 2 | 3 |\n" * 3, "| 1 | 2 | 3 |\n", "| 1 | 2 | 3 |\n" * 4),
        ("the same again ", "the same again ", "the same again the same again "),
        ("", "begins", "begins"),
    ],
)
def test_a_clear_overlap_at_the_start_of_a_continuation_is_removed(
    first: str, second: str, whole: str
) -> None:
    assert continued(first, second) == whole
    assert continued(first, *second) == whole


def test_dropping_a_message_keeps_the_text_before_it() -> None:
    answer = AnswerText(handed_out=False)
    answer.begin_message()
    answer.add(0, "kept ")
    answer.end_message()
    answer.begin_message()
    answer.add(0, "gone")
    answer.drop_message()
    answer.begin_message()
    answer.add(0, "new")
    answer.finish()
    assert answer.text == "kept new"
