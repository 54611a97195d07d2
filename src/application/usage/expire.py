"""The use case that deletes old rows of the usage ledger."""

from modegate.application.ports.clock import Clock
from modegate.application.ports.usage_ledger import UsageLedger
from modegate.domain.usage.query import DAY_MS
from modegate.lazy_dataclass import dataclass

# A deletion of so many rows takes a few milliseconds, in which no row is written.
BATCH_ROWS = 1000


@dataclass(slots=True, kw_only=True)
class ExpireUsage:
    """Deletes the rows of days that ended more than `retention_days` ago; their sums stay."""

    ledger: UsageLedger
    clock: Clock
    retention_days: int

    async def execute(self) -> int:
        """Deletes all expired rows in small batches, and returns their number.

        Raises:
            StorageError: the ledger cannot be written.
        """
        today = int(self.clock.time_of_day() * 1000) // DAY_MS
        before_ms = (today - self.retention_days) * DAY_MS
        deleted = 0
        while number := await self.ledger.expire(before_ms, BATCH_ROWS):
            deleted += number
        return deleted
