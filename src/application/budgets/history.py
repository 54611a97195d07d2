"""What accounts spent in the past, as the usage ledger says."""

from modegate.application.ports.usage_ledger import UsageLedger
from modegate.domain.budgets.account import GATEWAY, Account, Unit
from modegate.domain.budgets.window import Window
from modegate.domain.usage.query import Group, UsageQuery
from modegate.lazy_dataclass import dataclass

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class LedgerHistory:
    """Sums the rows of a window, so a restart loses nothing of what was spent."""

    ledger: UsageLedger

    async def spent(self, account: Account, window: Window) -> int:
        """Returns what an account spent in a window so far.

        Raises:
            StorageError: the ledger cannot be read.
        """
        key = {} if account.subject == GATEWAY else {Group.KEY: account.subject}
        (total,) = await self.ledger.sums(
            UsageQuery(
                start_ms=window.start * MILLISECONDS,
                end_ms=window.end * MILLISECONDS,
                filters=key,
            )
        )
        sums = total.sums
        return sums.total_tokens if account.unit is Unit.TOKENS else sums.cost_nano_usd
