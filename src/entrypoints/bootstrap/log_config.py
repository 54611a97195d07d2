"""Configures the log: one JSON object per line, or human-readable text."""

import asyncio
import json
import logging
import sys
import traceback
from contextlib import nullcontext, suppress
from datetime import datetime
from time import monotonic, sleep
from types import TracebackType
from typing import Literal, TextIO

from modegate.entrypoints.bootstrap.log_line import json_line
from modegate.entrypoints.bootstrap.log_sink import LogSink

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
# Seconds for which lines below warning level are batched, at most.
BATCH = 0.05
# Seconds after which lines that wait for a slow reader are retried.
RETRY_S = 0.5
# How long the end waits for a reader.
LAST_WAIT_S = 1.0

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class SafeTracebackFormatter(logging.Formatter):
    """Formats exceptions without their messages, which may quote a request."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - overrides `logging.Formatter`
        """Returns the frames and the type of every exception in the chain."""
        chain: list[str] = []
        error = ei[1]
        while error is not None and len(chain) < LONGEST_CHAIN:
            frames = traceback.extract_tb(error.__traceback__).format()
            chain.append("".join((*frames, type(error).__name__)))
            error = error.__cause__ or error.__context__
        return "\nfrom\n".join(chain)


class JsonFormatter(SafeTracebackFormatter):
    """Formats a record as one JSON object: time, level, logger, message, and its own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        level = NAMES.get(record.levelno, record.levelname.lower())
        fields = getattr(record, FIELDS, {})
        if record.exc_info:
            fields = {**fields, "trace": self.formatException(record.exc_info)}
        return json_line(record.created, level, record.name, record.getMessage(), fields).decode()


def _plain(value: object) -> str:
    """Returns a value as text that is safe against log injection and terminal escape sequences."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


class PrettyFormatter(SafeTracebackFormatter):
    """Formats a record as text followed by its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line, or several lines with a traceback."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        fields = " ".join(
            f"{name}={_plain(value)}" for name, value in getattr(record, FIELDS, {}).items()
        )
        level = NAMES.get(record.levelno, record.levelname.lower())
        line = f"{time} {level:5} {record.getMessage()} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class BatchingHandler(logging.StreamHandler[TextIO]):
    """Writes log lines of an event loop in batches; writes warnings and errors immediately."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[bytes] = []
        self._sink = LogSink(stream, self._report)
        self._waits_in: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Buffers the line, or flushes the buffer for a warning or error."""
        try:
            line = self.format(record).encode("utf-8", "backslashreplace")
            self.add(line, urgent=record.levelno >= logging.WARNING)
        except Exception:  # noqa: BLE001 - as in `logging.StreamHandler.emit`
            self.handleError(record)

    def add(self, line: bytes, *, urgent: bool) -> None:
        """Buffers a line; writes it immediately if it is urgent, or no event loop is running."""
        with self.lock or nullcontext():
            self._lines.append(line)
            try:
                if not urgent:
                    self._flush_after(BATCH)
                    return
            except RuntimeError:  # no running event loop
                pass
            self.flush()

    def flush(self) -> None:
        """Writes the buffered lines."""
        with self.lock or nullcontext():
            self._waits_in = None
            if self._sink.stream is not self.stream:
                self._sink = LogSink(self.stream, self._report)
            self._sink.write(self._lines)
            self._lines.clear()
            if self._sink.waits:
                with suppress(RuntimeError):  # no running event loop
                    self._flush_after(RETRY_S)

    def close(self) -> None:
        """Give a slow reader a last moment, for no event loop comes back to what waits."""
        last = monotonic() + LAST_WAIT_S
        while self._sink.waits and monotonic() < last:
            sleep(RETRY_S / 10)
            self._sink.write(())
        super().close()

    def _flush_after(self, seconds: float) -> None:
        if self._waits_in is not None and self._waits_in.is_running():
            return
        self._waits_in = asyncio.get_running_loop()  # until Python 3.12, a system call
        self._waits_in.call_later(seconds, self.flush)

    def _report(self, lost: int) -> str:
        """Returns the line that reports the number of lost lines."""
        args = (OWN, logging.WARNING, "", 0, "lost %d log lines: the log could not be written")
        return self.format(logging.LogRecord(*args, (lost,), None))


def configure_logging(level: str, style: Literal["json", "pretty"]) -> BatchingHandler:
    """Configures logging to standard error; libraries log warnings and errors only.

    Returns the handler that writes all lines.
    """
    # Collecting these unused values is a fifth of the cost of a line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - documented optimisation of `logging`
    handler = BatchingHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else PrettyFormatter())
    logging.getLogger().handlers = [handler]
    set_level(level)
    return handler


def set_level(level: str) -> None:
    """Sets the level of the log."""
    # Below this level, some libraries log headers and bodies.
    logging.getLogger().setLevel(max(LEVELS[level], logging.WARNING))
    logging.getLogger(OWN).setLevel(LEVELS[level])
