"""What the log looks like: one JSON object a line, or text for a person."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

TRACE = 5
LEVELS = {
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE,
    "silent": logging.CRITICAL + 1,
}
NAMES = {number: name for name, number in LEVELS.items()}
FIELDS = "fields"
OWN = "modegate"
LONGEST_CHAIN = 8

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Discreet(logging.Formatter):
    """Shows where an exception comes from, and not what it says: that may quote a request."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the library's name
        """Every exception of the chain: its frames and its type."""
        chain: list[str] = []
        error = ei[1]
        while error is not None and len(chain) < LONGEST_CHAIN:
            frames = traceback.extract_tb(error.__traceback__).format()
            chain.append("".join((*frames, type(error).__name__)))
            error = error.__cause__ or error.__context__
        return "\nfrom\n".join(chain)


class JsonFormatter(Discreet):
    """One object a line: time, level, logger, message, and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": NAMES.get(record.levelno, record.levelname.lower()),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _plain(value: object) -> str:
    """A value that cannot be taken for another field, another line, or an order to the terminal."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


class PrettyFormatter(Discreet):
    """Text with the fields behind it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or several with a traceback."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = " ".join(
            f"{name}={_plain(value)}" for name, value in getattr(record, FIELDS, {}).items()
        )
        level = NAMES.get(record.levelno, record.levelname.lower())
        line = f"{time} {level:5} {record.getMessage()} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(level: str, style: Literal["json", "pretty"]) -> None:
    """Log to standard error; libraries speak only when something is wrong, at any level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else PrettyFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    # Some libraries write headers and bodies below this level.
    root.setLevel(max(LEVELS[level], logging.WARNING))
    logging.getLogger(OWN).setLevel(LEVELS[level])
