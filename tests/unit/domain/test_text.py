"""Text that can be encoded as UTF-8."""

from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.text import PairJoiner


@given(st.text(st.characters(min_codepoint=0x10000)), st.data())
def test_a_text_cut_inside_surrogate_pairs_is_joined(text: str, data: st.DataObject) -> None:
    units = text.encode("utf-16-le")
    halves = "".join(
        chr(int.from_bytes(units[i : i + 2], "little")) for i in range(0, len(units), 2)
    )
    cut = data.draw(st.integers(0, len(halves)))
    joiner = PairJoiner()
    assert joiner.join(halves[:cut]) + joiner.join(halves[cut:]) == text


def test_a_dropped_half_is_not_joined_with_the_next_piece() -> None:
    joiner = PairJoiner()
    assert joiner.join("a\ud83d") == "a"
    joiner.drop()
    assert joiner.join("b") == "b"
