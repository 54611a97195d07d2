"""Writes log lines where writing may fail, and counts those that were lost."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import TextIO

# What waits for a pipe whose reader is slow; further lines are lost.
MAX_WAITING_BYTES = 256 * 1024


class LogSink:
    """Writes whole lines to a stream; never raises, and never leaves half a line for good.

    It writes to the stream's file itself: Python's buffers would keep what could not be written, and
    fail with it again at the next line and at the interpreter's end. `report` makes the line that
    tells how many were lost; it is written as soon as the log can be written again.
    """

    def __init__(self, stream: TextIO | None, report: Callable[[int], str]) -> None:
        self.stream = stream
        self.lost = 0
        self._report = report
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_inside_line = False

    @property
    def waits(self) -> bool:
        """Whether lines wait for a reader."""
        return bool(self._waiting)

    def write(self, lines: Iterable[str]) -> None:
        """Writes the lines behind those that wait."""
        for line in lines:
            self._add(line)
        try:
            self._report_lost()
            while self._waiting:
                self._write_first()
        except BlockingIOError:
            return
        except (OSError, ValueError):  # full, closed, or without a reader
            self._lose()

    def _add(self, line: str) -> None:
        data = f"{line}\n".encode("utf-8", "backslashreplace")
        if self._waiting and self._waiting_bytes + len(data) > MAX_WAITING_BYTES:
            self.lost += 1
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)

    def _report_lost(self) -> None:
        if not (lost := self.lost):
            return
        if self._is_inside_line:
            self._write_first()
        line = f"{self._report(lost)}\n".encode()
        self._waiting.appendleft(line)
        self._waiting_bytes += len(line)
        self.lost = 0
        try:
            self._write_first()
        except (OSError, ValueError):
            if not self._is_inside_line:  # it is made anew, with the number of then
                self._waiting_bytes -= len(self._waiting.popleft())
                self.lost = lost
            raise

    def _write_first(self) -> None:
        """Writes the first line, or the rest of it."""
        while True:
            line = self._waiting[0]
            written = self._write_some(line)
            self._waiting_bytes -= written
            self._is_inside_line = written < len(line)
            if not self._is_inside_line:
                self._waiting.popleft()
                return
            self._waiting[0] = line[written:]

    def _write_some(self, data: bytes) -> int:
        if self.stream is None:
            raise ValueError("standard error is closed")
        try:
            descriptor = self.stream.fileno()
        except (OSError, ValueError):  # a stream in memory
            self.stream.write(data.decode())
            self.stream.flush()
            return len(data)
        return os.write(descriptor, data)

    def _lose(self) -> None:
        """Forgets all but the rest of a line that is half written."""
        rest = self._waiting.popleft() if self._is_inside_line else b""
        self.lost += len(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = len(rest)
        if rest:
            self._waiting.append(rest)
