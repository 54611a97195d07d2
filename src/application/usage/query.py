"""The use case that answers questions about usage."""

from collections.abc import Sequence

from modegate.application.ports.clock import Clock
from modegate.application.ports.usage_ledger import UsageLedger
from modegate.domain.usage.query import DAY_MS, RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import UsageGroup
from modegate.lazy_dataclass import dataclass

DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryUsage:
    """Reads sums and requests of the ledger."""

    ledger: UsageLedger
    clock: Clock

    def default_range(self, end_ms: int | None = None) -> tuple[int, int]:
        """Returns the range of a query without one: the day 30 days before the end, until the end.

        The default end is the next full second, so that it includes all requests until now.
        """
        if end_ms is None:
            end_ms = (int(self.clock.time_of_day()) + 1) * 1000
        return max(end_ms // DAY_MS - DEFAULT_DAYS, 0) * DAY_MS, end_ms

    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        """Returns the sums of each group.

        Raises:
            InvalidRequestError: the query asks for too much.
            StorageError: the ledger cannot be read.
        """
        return await self.ledger.sums(query)

    async def requests(self, query: RequestsQuery) -> Sequence[UsageRow]:
        """Returns the last requests, the newest first.

        Raises:
            InvalidRequestError: the query asks for too much.
            StorageError: the ledger cannot be read.
        """
        return await self.ledger.requests(query)
