import pytest

from modegate.adapters.claude_cli.protocol.ndjson import JsonLines
from modegate.domain.errors import OutputLimitError


def test_only_lines_with_json_objects_are_returned() -> None:
    lines = JsonLines(1000)
    assert lines.feed(b'{"a":1}\n\nnoise\n[1]\n{"broken\n {"b":2}\r\n{"c"') == [{"a": 1}, {"b": 2}]
    assert lines.feed(b":3}") == []
    assert lines.flush() == [{"c": 3}]
    assert lines.flush() == []


def test_a_line_as_long_as_the_limit_is_accepted() -> None:
    line = b'{"a":"' + b"x" * 9_000_000 + b'"}\n'
    lines = JsonLines(len(line))
    found = [
        event for at in range(0, len(line), 65536) for event in lines.feed(line[at : at + 65536])
    ]
    assert len(str(found[0]["a"])) == 9_000_000


def test_output_above_the_limit_is_rejected_in_one_or_many_lines() -> None:
    for flood in (b"x" * 101, b"{}\n" * 34):
        with pytest.raises(OutputLimitError):
            JsonLines(100).feed(flood)


def test_a_too_deeply_nested_line_is_skipped() -> None:
    assert JsonLines(10**6).feed(b'{"a":' + b"[" * 200_000 + b"\n{}\n") == [{}]


def test_the_limit_counts_the_bytes_of_events_and_the_error_says_so() -> None:
    lines = JsonLines(64)
    event = b'{"type": "stream_event", "event": {}}\n'
    assert lines.feed(event)
    with pytest.raises(OutputLimitError, match="more than 64 bytes of events"):
        lines.feed(event)
