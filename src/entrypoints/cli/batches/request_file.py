"""Reads the requests of a batch, a line at a time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from modegate.dialects.batch import InvalidLineError, duplicate_id, parse_item
from modegate.dialects.json import encode
from modegate.domain.batches.item import BatchItem
from modegate.entrypoints.cli.batches.errors import BatchUsageError, OutputError
from modegate.entrypoints.cli.batches.id_set import IdSet

MAX_LINE_BYTES = 64 * 1024 * 1024
STDIN = "-"
SHOWN_ERRORS = 10


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """Opens the requests; `-` is standard input.

    Raises:
        BatchUsageError: the file cannot be read.
    """
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise BatchUsageError(f"{name} cannot be read: {error.strerror}") from None
    with file:
        yield file


def items_of(lines: BinaryIO) -> Iterator[BatchItem | InvalidLineError]:
    """Yields each request, or why a line is none; blank lines are left out."""
    seen = IdSet()
    number = 0
    while text := lines.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(text) > MAX_LINE_BYTES and not text.endswith(b"\n"):
            _skip_line(lines)
            problem = f"It is longer than {MAX_LINE_BYTES >> 20} MiB: shorten it."
            yield InvalidLineError(number, "line_too_long", problem)
            continue
        if not text.strip():
            continue
        try:
            item = parse_item(text, number)
        except InvalidLineError as error:
            yield error
            continue
        yield item if seen.add(item.custom_id) else duplicate_id(number)


def count_requests(lines: BinaryIO) -> int:
    """Returns the number of lines, and goes back to the first one."""
    total, last = 0, b"\n"
    while block := lines.read(1 << 20):
        total += block.count(b"\n")
        last = block
    lines.seek(0)
    return total + (not last.endswith(b"\n"))


class LineErrors:
    """Writes the errors of lines to a file beside the results, which is new in each run.

    The first errors also go to standard error. The methods raise `OutputError` if the file cannot be
    written.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(f"{output.name}.errors")
        self.count = 0
        self._file: BinaryIO | None = None
        with self._reporting():
            self.path.unlink(missing_ok=True)

    def add(self, error: InvalidLineError) -> None:
        """Reports an error."""
        self.count += 1
        told = {
            "line": error.line,
            "code": error.code,
            "message": error.problem,
            "param": error.param,
        }
        with self._reporting():
            if self._file is None:
                self._file = self.path.open("wb")
            self._file.write(encode(told) + b"\n")
        if self.count <= SHOWN_ERRORS:
            more = " (further ones are only in the file of errors)"
            note = more if self.count == SHOWN_ERRORS else ""
            print(f"modegate: {error}{note}", file=sys.stderr)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            with self._reporting():
                self._file.close()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror}") from error


def _skip_line(lines: BinaryIO) -> None:
    while (rest := lines.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
