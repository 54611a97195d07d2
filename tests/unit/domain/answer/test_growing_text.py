"""Texts that come in many pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.answer.growing_text import MAX_CHARACTERS, MAX_PIECES, GrowingText
from modegate.domain.errors import OutputLimitError


@given(st.lists(st.tuples(st.text(max_size=3), st.booleans()), max_size=30), st.integers(1, 3))
def test_a_text_is_the_sum_of_its_pieces_whenever_it_is_read(
    pieces: list[tuple[str, bool]], times: int
) -> None:
    growing, expected = GrowingText(), ""
    for piece, is_read in pieces * times:
        growing.add(piece)
        expected += piece
        if is_read:
            assert growing.text == expected
    assert growing.text == growing.text == expected


def test_many_pieces_are_joined_on_the_way() -> None:
    growing, count = GrowingText(), 3 * MAX_PIECES + 1
    for number in range(count):
        growing.add(f"{number} ")
    assert growing.text == "".join(f"{number} " for number in range(count))


def test_a_text_is_bounded() -> None:
    growing = GrowingText()
    growing.add("x" * MAX_CHARACTERS)
    with pytest.raises(OutputLimitError, match="longer than 64 MiB: ask for a shorter answer"):
        growing.add("x")
