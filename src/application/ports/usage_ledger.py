"""The port for the usage ledger."""

from collections.abc import Sequence
from typing import Protocol

from modegate.domain.usage.condition import LedgerCondition
from modegate.domain.usage.query import RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import UsageGroup

MAX_GROUPS = 10_000


class UsageLedger(Protocol):
    """Stores one row for each request, and their sums; several gateways may share a ledger.

    Reads see at least the rows that this gateway has added. Sums of whole days in UTC remain when
    their rows have expired.
    """

    def add(self, row: UsageRow) -> None:
        """Accepts a row, which is written later. Never blocks, never raises.

        A row whose id belongs to another row gets the next free id.
        """
        ...

    def condition(self) -> LedgerCondition:
        """Returns the present condition; never blocks."""
        ...

    async def flush(self) -> None:
        """Waits until the rows that were added here are stored; never raises.

        Returns at once while none can be stored, and in any case after a few seconds.
        """
        ...

    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        """Returns the sums of each group, sorted by its values; None comes first.

        Without groups, there is one sum, also if no request matches.

        Raises:
            InvalidRequestError: there are more than `MAX_GROUPS`, or the answer takes too long.
            StorageError: the ledger cannot be read.
        """
        ...

    async def requests(self, query: RequestsQuery) -> Sequence[UsageRow]:
        """Returns the last rows that match, the newest first.

        Raises:
            InvalidRequestError: the answer takes too long.
            StorageError: the ledger cannot be read.
        """
        ...

    async def page(self, after: int, limit: int) -> Sequence[UsageRow]:
        """Returns rows with an id above `after`, by id, at most `limit`.

        Raises:
            StorageError: the ledger cannot be read.
        """
        ...

    async def put(self, rows: Sequence[UsageRow]) -> int:
        """Stores the rows that are not there yet, all or nothing, and returns their number.

        A row whose id belongs to another row gets the next free id.

        Raises:
            StorageError: the ledger cannot be written.
        """
        ...

    async def expire(self, before_ms: int, limit: int) -> int:
        """Deletes the oldest rows before a time, at most `limit`; returns their number.

        `before_ms` is the beginning of a day in UTC. Sums of days stay.

        Raises:
            StorageError: the ledger cannot be written.
        """
        ...
