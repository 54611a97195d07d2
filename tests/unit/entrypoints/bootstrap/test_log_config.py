import json
import logging
import os
import threading

import pytest

from modegate.entrypoints.bootstrap.log_config import (
    BatchingHandler,
    JsonFormatter,
    PrettyFormatter,
    configure_logging,
)


def record(level: int = logging.INFO, *, trace: bool = False) -> logging.LogRecord:
    found = (ValueError, ValueError("boom"), None) if trace else None
    made = logging.LogRecord("modegate.x", level, "x.py", 1, "said %s", ("ü",), found)
    made.fields = {"request_id": "r"}
    return made


def test_the_json_formatter_writes_one_object_per_line() -> None:
    line = JsonFormatter().format(record(trace=True))
    assert "\n" not in line
    parsed = json.loads(line)
    assert parsed["message"] == "said ü"
    assert (parsed["level"], parsed["logger"], parsed["request_id"]) == ("info", "modegate.x", "r")
    assert parsed["trace"] == "ValueError"


def test_the_pretty_formatter_writes_level_message_and_fields() -> None:
    line = PrettyFormatter().format(record(logging.WARNING))
    assert line.endswith("warn  said ü request_id=r")
    assert PrettyFormatter().format(record(trace=True)).endswith("r\nValueError")


@pytest.mark.parametrize(
    ("level", "enabled"),
    [
        ("fatal", [logging.CRITICAL]),
        ("warn", [logging.WARNING, logging.ERROR, logging.CRITICAL]),
        ("trace", [5, 10, 20, 30, 40, 50]),
        ("silent", []),
    ],
)
def test_the_log_level_applies_to_modegate_and_not_to_libraries(
    level: str, enabled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, own = logging.getLogger(), logging.getLogger("modegate")
    for logger in (root, own):
        monkeypatch.setattr(logger, "level", logger.level)
    monkeypatch.setattr(root, "handlers", root.handlers)
    configure_logging(level, "json")
    assert [number for number in (5, 10, 20, 30, 40, 50) if own.isEnabledFor(number)] == enabled
    library = logging.getLogger("some.library")
    assert not library.isEnabledFor(logging.INFO)


def test_clients_cannot_forge_lines_in_the_pretty_log() -> None:
    made = record()
    made.fields = {"model": "gpt\n12:00 info key=FAKE\x1b[31m", "status": 200}
    line = PrettyFormatter().format(made)
    assert line.count("\n") == 0
    assert "\x1b" not in line
    assert line.endswith("status=200")


def test_closing_the_handler_writes_all_buffered_records() -> None:
    reader, writer = os.pipe()
    with open(writer, "w") as stream, open(reader) as output:  # noqa: PTH123
        handler = BatchingHandler(stream)
        for _ in range(200):
            handler.emit(record())
            handler.emit(logging.LogRecord("modegate.x", 30, "x.py", 1, "y" * 1000, (), None))
        read: list[str] = []
        reading = threading.Thread(target=lambda: read.extend(output))
        reading.start()
        handler.close()
        stream.close()
        reading.join()
    assert len(read) == 400
