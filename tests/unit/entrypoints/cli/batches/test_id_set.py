"""The compact set of ids."""

from hypothesis import given
from hypothesis import strategies as st

from modegate.entrypoints.cli.batches.id_set import IdSet


@given(st.lists(st.text()))
def test_it_is_like_a_set(texts: list[str]) -> None:
    compact, plain = IdSet(), set[str]()
    for text in texts:
        assert (text in compact) is (text in plain)
        assert compact.add(text) is (text not in plain)
        plain.add(text)
        assert len(compact) == len(plain)
    assert all(text in compact for text in texts)


def test_it_grows() -> None:
    ids = IdSet()
    assert all(ids.add(str(number)) for number in range(5000))
    assert not any(ids.add(str(number)) for number in range(5000))
    assert "5000" not in ids
