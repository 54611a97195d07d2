"""The use cases that write the rows of a ledger as JSON lines, and read them again."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from modegate.application.ports.usage_ledger import UsageLedger
from modegate.dialects.usage.rows import DamagedRowError, line_of, parse_line
from modegate.domain.usage.row import UsageRow
from modegate.lazy_dataclass import dataclass

PAGE_ROWS = 1000

OpenLines = Callable[[], Iterable[bytes]]


class DamagedLineError(Exception):
    """A line is no row; `number` counts from 1."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number = number


@dataclass(frozen=True, slots=True)
class ExportUsage:
    """Yields the rows of the ledger as JSON lines, the oldest first."""

    ledger: UsageLedger

    async def execute(self) -> AsyncIterator[bytes]:
        """Yields some lines at a time, each with its newline.

        Raises:
            StorageError: the ledger cannot be read.
        """
        after = 0
        while rows := await self.ledger.page(after, PAGE_ROWS):
            yield b"".join(map(line_of, rows))
            after = rows[-1].id


@dataclass(frozen=True, slots=True)
class ImportUsage:
    """Adds exported rows to the ledger. Idempotent by the rows' ids."""

    ledger: UsageLedger

    async def execute(self, open_lines: OpenLines) -> tuple[int, int]:
        """Returns the number of rows in the lines, and how many of them were new.

        `open_lines` is called twice: nothing is stored before every line was checked. An import that
        is interrupted is completed by importing again.

        Raises:
            DamagedLineError: a line is no row; nothing was stored.
            StorageError: the ledger cannot be written; rows before may have been stored.
        """
        for _ in _rows_of(open_lines()):
            pass
        read = new = 0
        page: list[UsageRow] = []
        for row in _rows_of(open_lines()):
            page.append(row)
            read += 1
            if len(page) == PAGE_ROWS:
                new += await self.ledger.put(page)
                page = []
        return read, new + (await self.ledger.put(page) if page else 0)


def _rows_of(lines: Iterable[bytes]) -> Iterator[UsageRow]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield parse_line(line)
            except DamagedRowError as error:
                raise DamagedLineError(number, str(error)) from None
