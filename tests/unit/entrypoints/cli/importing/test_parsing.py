import sys

import pytest

from modegate.entrypoints.cli.importing.parsing import UnreadableError, parse_json, parse_yaml

LITERAL = b"sk-real-secret-of-someone"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a: 1\nb: [" + LITERAL, "is no YAML: line 2, column"),
        (b"a: *" + LITERAL, "is no YAML: line 1, column 4"),
        (b"a: !!python/name:os.system " + LITERAL, "is no YAML: line 1, column 4"),
        (b"a: 2024-99-99", "is no YAML that can be read"),
        (b"a: \xff", "is no text in UTF-8: byte 4"),
    ],
)
def test_errors_of_yaml_name_the_place_only(content: bytes, told: str) -> None:
    with pytest.raises(UnreadableError) as error:
        parse_yaml(content)
    assert str(error.value).startswith(told)
    assert LITERAL.decode() not in str(error.value)
    assert error.value.__suppress_context__


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"a": ' + LITERAL + b"}", "is no JSON: line 1, column 7"),
        (b"[" * 100_000, "is no JSON"),
        (b"", "is no JSON: line 1, column 1"),
    ],
)
def test_errors_of_json_name_the_place_only(content: bytes, told: str) -> None:
    with pytest.raises(UnreadableError) as error:
        parse_json(content)
    assert str(error.value).startswith(told)
    assert LITERAL.decode() not in str(error.value)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    assert parse_yaml(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_without_pyyaml_json_is_read_and_yaml_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert parse_yaml(b' {"a": 1}') == {"a": 1}
    with pytest.raises(UnreadableError, match=r"pip install .modegate\[import\]"):
        parse_yaml(b"a: 1")
