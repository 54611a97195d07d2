import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.json_members import change_members

BODY = b' {"model" : "a\\ud800" ,\n "x": [1, {"model":2}], "s":"\xc3\xa9,}\\"" , "n":1e400 } \n'


def test_only_the_changed_value_differs() -> None:
    changed = change_members(BODY, {"model": b'"kimi"'})
    assert changed == BODY.replace(b'"a\\ud800"', b'"kimi"')


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (("model",), b' {\n "x": [1, {"model":2}], "s":"\xc3\xa9,}\\"" , "n":1e400 } \n'),
        (("x", "s"), b' {"model" : "a\\ud800" , "n":1e400 } \n'),
        (("n",), b' {"model" : "a\\ud800" ,\n "x": [1, {"model":2}], "s":"\xc3\xa9,}\\"" } \n'),
        (("absent",), BODY),
    ],
)
def test_removed_members_take_their_comma_along(names: tuple[str, ...], left: bytes) -> None:
    assert change_members(BODY, dict.fromkeys(names)) == left


@pytest.mark.parametrize(
    ("body", "changes", "expected"),
    [
        (b"{}", {"a": None}, b"{}"),
        (b"{ }", {"a": b"1"}, b"{ }"),
        (b'{"a":1}', {"a": None}, b"{}"),
        (b'{"a":1,"a":2}', {"a": b"3"}, b'{"a":3,"a":3}'),
        (b'{"a":1,"b":2,"a":3}', {"a": None}, b'{"b":2}'),
        (b'{"\\u0061":1}', {"a": b"2"}, b'{"\\u0061":2}'),
        (b'\xef\xbb\xbf{"a":1}', {"a": b"2"}, b'{"a":2}'),
    ],
)
def test_each_occurrence_of_a_name_is_changed(
    body: bytes, changes: dict[str, bytes | None], expected: bytes
) -> None:
    assert change_members(body, changes) == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=5), st.sets(st.text(max_size=3)))
def test_any_object_keeps_its_other_members(value: dict[str, object], removed: set[str]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    changes: dict[str, bytes | None] = dict.fromkeys(removed)
    left = json.loads(change_members(body, changes))
    assert left == {name: it for name, it in value.items() if name not in removed}
