"""Writes log lines to a stream that may fail, and counts lost lines."""

import os
import select
import stat
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

# Maximum size of the queue for a slow reader; further lines are dropped.
MAX_WAITING_BYTES = 256 * 1024


class LogSink:
    """Writes complete lines to a stream. Never raises, and completes partially written lines.

    It bypasses Python's buffers: after a failed write, they would keep the data, and fail again at
    the next line and at interpreter exit. `report` returns the line with the number of lost lines.
    It is written as soon as the log is writable again.
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
        """Whether lines are queued for a slow reader."""
        return bool(self._waiting)

    def write(self, lines: Iterable[bytes]) -> None:
        """Appends the lines to the queue and writes as much of it as possible."""
        self._add([line + b"\n" for line in lines])
        try:
            self._report_lost()
            while self._waiting:  # in one system call, which costs more than the line
                self._write_some(b"".join(self._waiting))
        except BlockingIOError:
            return
        except (OSError, ValueError):  # full, closed, or without a reader
            self._lose()

    def _add(self, lines: Sequence[bytes]) -> None:
        size = sum(map(len, lines))
        if self._waiting_bytes + size <= MAX_WAITING_BYTES:
            self._waiting.extend(lines)
            self._waiting_bytes += size
            return
        for line in lines:
            if self._waiting and self._waiting_bytes + len(line) > MAX_WAITING_BYTES:
                self.lost += 1
            else:
                self._waiting.append(line)
                self._waiting_bytes += len(line)

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
            if not self._is_inside_line:  # the report is created again later, with a new count
                self._waiting_bytes -= len(self._waiting.popleft())
                self.lost = lost
            raise

    def _write_first(self) -> None:
        """Writes the first line of the queue, or its remaining part."""
        before = len(self._waiting)
        while len(self._waiting) == before:
            self._write_some(self._waiting[0])

    def _write_some(self, data: bytes) -> None:
        """Writes as much of the queue's first bytes `data` as possible, and removes it."""
        written = self._write_out(data)
        self._waiting_bytes -= written
        if not self._waiting_bytes:
            self._waiting.clear()
            self._is_inside_line = False
            return
        while written and written >= len(self._waiting[0]):
            written -= len(self._waiting.popleft())
            self._is_inside_line = False
        if written:
            self._waiting[0] = self._waiting[0][written:]
            self._is_inside_line = True

    def _write_out(self, data: bytes) -> int:
        if self.stream is None:
            raise ValueError("standard error is closed")
        try:
            descriptor = self.stream.fileno()
        except (OSError, ValueError):  # a stream in memory
            self.stream.write(data.decode())
            self.stream.flush()
            return len(data)
        return os.write(descriptor, data[: _room(descriptor)])

    def _lose(self) -> None:
        """Drops the queue, except for the rest of a partially written line."""
        rest = self._waiting.popleft() if self._is_inside_line else b""
        self.lost += len(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = len(rest)
        if rest:
            self._waiting.append(rest)


def _room(descriptor: int) -> int | None:
    """How many bytes can be written without waiting for a reader; None: as many as there are.

    Raises:
        BlockingIOError: a pipe or a socket is full, and a write would stop the whole gateway.
    """
    try:
        kind = os.fstat(descriptor).st_mode
    except OSError:  # the write says what is wrong
        return None
    if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        return None
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    if not ready.poll(0):
        raise BlockingIOError
    return select.PIPE_BUF
