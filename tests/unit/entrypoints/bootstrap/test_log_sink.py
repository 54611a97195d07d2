"""Log output that cannot be delivered: no errors, and lost lines are counted."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modegate.entrypoints.bootstrap import log_sink
from modegate.entrypoints.bootstrap.log_sink import LogSink

Write = Callable[[int, bytes], int]


class File(io.StringIO):
    """A stream whose descriptor never reaches a system call."""

    def fileno(self) -> int:
        return -7


class Disk:
    """Replaces `os.write`; an outcome is a number of bytes, an error, or None for all bytes."""

    def __init__(self) -> None:
        self.written_bytes = b""
        self.outcomes: list[int | OSError] = []
        self.fault: OSError | None = None

    def write(self, descriptor: int, data: bytes) -> int:
        assert descriptor == -7
        outcome = self.outcomes.pop(0) if self.outcomes else self.fault
        if isinstance(outcome, OSError):
            raise outcome
        size = len(data) if outcome is None else outcome
        self.written_bytes += data[:size]
        return size


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr("modegate.entrypoints.bootstrap.log_sink.os.write", made.write)
    return made


@pytest.fixture
def sink() -> LogSink:
    return LogSink(File(), lambda lost: f"lost {lost}")


FULL = OSError(errno.ENOSPC, "full")
SLOW = BlockingIOError(errno.EAGAIN, "slow")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EPIPE, errno.EBADF, errno.EIO])
def test_lost_lines_are_counted_and_reported_once(disk: Disk, sink: LogSink, code: int) -> None:
    disk.fault = OSError(code, "broken")
    sink.write([b"one", b"two"])
    sink.write([b"three"])
    assert (disk.written_bytes, sink.lost) == (b"", 3)
    disk.fault = None
    sink.write([b"four"])
    sink.write([b"five"])
    assert disk.written_bytes == b"lost 3\nfour\nfive\n"


def test_a_partially_written_line_is_completed_first(disk: Disk, sink: LogSink) -> None:
    disk.outcomes = [3, FULL]
    sink.write([b"first line", b"second"])
    assert (disk.written_bytes, sink.lost) == (b"fir", 1)
    disk.outcomes = [FULL]
    sink.write([b"third"])
    sink.write([b"fourth"])
    assert disk.written_bytes == b"first line\nlost 2\nfourth\n"


def test_a_partially_written_loss_report_is_completed(disk: Disk, sink: LogSink) -> None:
    disk.outcomes = [FULL]
    sink.write([b"one"])
    disk.outcomes = [2, FULL]
    sink.write([b"two"])
    sink.write([b"three"])
    assert disk.written_bytes == b"lost 1\nlost 1\nthree\n"


def test_lines_are_buffered_for_a_slow_reader(disk: Disk, sink: LogSink) -> None:
    disk.outcomes = [4, SLOW]
    sink.write([b"first line", b"second"])
    assert sink.waits
    sink.write([])
    assert not sink.waits
    assert disk.written_bytes == b"first line\nsecond\n"


def test_lines_beyond_the_buffer_limit_are_lost_and_counted(
    disk: Disk, sink: LogSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_sink, "MAX_WAITING_BYTES", 10)
    disk.fault = SLOW
    sink.write([b"1234"])
    sink.write([b"5678"])
    sink.write([b"lost"])
    disk.fault = None
    sink.write([b"more"])
    assert disk.written_bytes == b"lost 2\n1234\n5678\n"


@pytest.mark.parametrize("stream", [None, "closed"])
def test_lines_for_a_closed_or_missing_stream_are_counted_as_lost(stream: str | None) -> None:
    closed = io.StringIO()
    closed.close()
    sink = LogSink(closed if stream else None, str)
    sink.write([b"one"])
    assert sink.lost == 1


def test_a_stream_in_memory_receives_text() -> None:
    stream = io.StringIO()
    LogSink(stream, str).write(["ü".encode(), b"two"])
    assert stream.getvalue() == "ü\ntwo\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("is_blocking", [False, True])
def test_all_lines_reach_a_slow_reader_of_a_real_pipe(
    pipe: tuple[int, int], is_blocking: bool
) -> None:
    reader, writer = pipe
    os.set_blocking(writer, is_blocking)
    os.set_blocking(reader, False)
    read = b""
    with open(writer, "w", closefd=False) as stream:
        sink = LogSink(stream, str)
        lines = [b"%06d" % number * 100 for number in range(400)]
        sink.write(lines)
        assert sink.waits
        while sink.waits:
            read += os.read(reader, 1 << 20)
            sink.write([])
    read += os.read(reader, 1 << 20)
    assert read.split() == lines


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_lines_for_a_full_disk_are_counted_as_lost() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        sink = LogSink(full, str)
        sink.write([b"one", b"two"])
    assert sink.lost == 2
