import pytest

from modegate.adapters.claude_cli.protocol.ndjson import JsonLines
from modegate.domain.errors import OutputLimitError


def test_lines_of_objects_and_nothing_else() -> None:
    lines = JsonLines(1000)
    assert lines.feed(b'{"a":1}\n\nnoise\n[1]\n{"broken\n {"b":2}\r\n{"c"') == [{"a": 1}, {"b": 2}]
    assert lines.feed(b":3}") == []
    assert lines.flush() == [{"c": 3}]
    assert lines.flush() == []


def test_a_line_may_be_as_long_as_the_bound() -> None:
    line = b'{"a":"' + b"x" * 9_000_000 + b'"}\n'
    lines = JsonLines(len(line))
    found = [
        event for at in range(0, len(line), 65536) for event in lines.feed(line[at : at + 65536])
    ]
    assert len(str(found[0]["a"])) == 9_000_000


def test_more_than_the_bound_is_refused_in_one_line_or_in_many() -> None:
    for flood in (b"x" * 101, b"{}\n" * 34):
        with pytest.raises(OutputLimitError):
            JsonLines(100).feed(flood)


def test_nesting_without_end_is_passed_over() -> None:
    assert JsonLines(10**6).feed(b'{"a":' + b"[" * 200_000 + b"\n{}\n") == [{}]
