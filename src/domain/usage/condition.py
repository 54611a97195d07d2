"""Whether the usage ledger works."""

from modegate.domain.health import LedgerState
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class LedgerCondition:
    """The state of the ledger, the rows that wait to be written, and those that were lost."""

    state: LedgerState = LedgerState.OK
    pending: int = 0
    lost: int = 0
