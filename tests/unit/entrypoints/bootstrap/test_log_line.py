"""Log lines as bytes."""

import json

import pytest

from modegate.entrypoints.bootstrap.log_line import fixed_part, json_line, line_with


def test_a_line_begins_with_its_time_to_the_millisecond() -> None:
    line = json.loads(json_line(1_700_000_000.0625, "info", "modegate", "started", {}))
    assert line == {
        "time": "2023-11-14T22:13:20.062+00:00",
        "level": "info",
        "logger": "modegate",
        "message": "started",
    }


@pytest.mark.parametrize("model", ['a"b\\', "naïve", "lone \ud800"])
def test_a_line_with_a_fixed_part_has_the_same_content(model: str) -> None:
    fields = {"status": 200, "model": model}
    fixed = fixed_part("warn", "modegate.requests", "request")
    expected = json_line(1.5, "warn", "modegate.requests", "request", fields)
    assert json.loads(line_with(1.5, fixed, fields)) == json.loads(expected)
