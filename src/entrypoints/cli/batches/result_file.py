"""The file of results, which is also the record of what is done."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import orjson

from modegate.domain.batches.item import SUCCESSES
from modegate.entrypoints.cli.batches.errors import BatchUsageError, OutputError
from modegate.entrypoints.cli.batches.id_set import IdSet
from modegate.entrypoints.cli.batches.locked_file import MODE, open_locked, sync_folder
from modegate.lazy_dataclass import dataclass

T = TypeVar("T")

BEGINNING = b'{"id":"batch_req_'


@dataclass(slots=True)
class _Line:
    custom_id: str
    succeeded: bool


class ResultFile:
    """Appends whole lines to a file that is locked for this process; a context.

    `done` has the ids of its lines, `succeeded` and `failed` count them. A half line at its end,
    which a killed run has left, is cut off.
    """

    def __init__(self, path: Path, *, without_failed: bool = False) -> None:
        """Opens the file, or creates it; `without_failed` removes the results of failed requests.

        Raises:
            BatchUsageError: another run uses the file, or it has other lines than results.
            OutputError: the file cannot be opened, read or written.
        """
        self.path = path
        self.done = IdSet()
        self.succeeded = self.failed = 0
        self._is_dirty = False
        self._failure: OutputError | None = None
        self._descriptor = open_locked(path)
        try:
            self._size = _reporting(path, self._read)
            if without_failed and self.failed:
                _reporting(path, self._remove_failed)
        except BaseException:
            os.close(self._descriptor)
            raise

    def append(self, line: bytes, custom_id: str, *, succeeded: bool) -> None:
        """Appends a line, with its line break, as a whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._write(line)
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise _unwritable(self.path, error) from error
        self._size += len(line)
        self._is_dirty = True
        self._note(_Line(custom_id, succeeded))

    def sync(self) -> None:
        """Waits until all lines are on the disk; may be called from another thread.

        Raises:
            OutputError: they cannot be written.
        """
        if self._failure is not None:  # a further attempt would succeed without the lost pages
            raise self._failure
        if not self._is_dirty:
            return
        self._is_dirty = False
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self._failure = _unwritable(self.path, error)
            raise self._failure from error

    def close(self) -> None:
        """Waits until all lines are on the disk, and releases the lock."""
        try:
            self.sync()
        finally:
            os.close(self._descriptor)

    def _write(self, line: bytes) -> None:
        if os.write(self._descriptor, line) != len(line):  # the disk is full
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _note(self, line: _Line) -> None:
        if not self.done.add(line.custom_id):
            raise BatchUsageError(
                f"{self.path} has two results with one custom_id: choose another file with -o"
            )
        if line.succeeded:
            self.succeeded += 1
        else:
            self.failed += 1

    def _read(self) -> int:
        """Notes all lines, cuts off half a line at the end, and returns the size without it."""
        size, rest = 0, b""
        with self._reader() as lines:
            for number, text in enumerate(lines, 1):
                if not text.endswith(b"\n"):
                    rest = text
                    break
                self._note(self._parse(text, number))
                size += len(text)
        if rest:
            if rest[: len(BEGINNING)] != BEGINNING[: len(rest)]:
                raise self._foreign(number)
            os.ftruncate(self._descriptor, size)
        return size

    def _reader(self) -> BinaryIO:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return open(os.dup(self._descriptor), "rb")  # noqa: PTH123 - the caller's context

    def _parse(self, text: bytes, number: int) -> _Line:
        try:
            line = orjson.loads(text)
            custom_id, response = line["custom_id"], line["response"]
            succeeded = response is not None and response["status_code"] in SUCCESSES
        except (orjson.JSONDecodeError, LookupError, TypeError):
            raise self._foreign(number) from None
        if not isinstance(custom_id, str):
            raise self._foreign(number)
        return _Line(custom_id, succeeded)

    def _foreign(self, number: int) -> BatchUsageError:
        return BatchUsageError(
            f"line {number} of {self.path} is no result of a batch, and nothing was changed: choose "
            "another file with -o"
        )

    def _remove_failed(self) -> None:
        """Replaces the file by one without failed results; a kill leaves either of the two."""
        path = self.path.resolve()  # a link is kept
        copy = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(copy, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(os.dup(descriptor), "wb") as target:  # noqa: PTH123 - of a descriptor
                target.writelines(self._succeeded_lines())
            os.fsync(descriptor)
            copy.rename(path)
            sync_folder(path.parent)
        except BaseException:
            os.close(descriptor)
            copy.unlink(missing_ok=True)
            raise
        os.close(self._descriptor)
        self._descriptor = descriptor
        self.done, self.succeeded, self.failed = IdSet(), 0, 0
        self._size = self._read()

    def _succeeded_lines(self) -> Iterator[bytes]:
        with self._reader() as lines:
            for number, text in enumerate(lines, 1):
                if self._parse(text, number).succeeded:
                    yield text


def _reporting(path: Path, work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be written: {error.strerror}: its lines are complete, and the same command "
        "goes on from there"
    )
