"""Whether the usage ledger works."""

from dataclasses import dataclass

from modegate.domain.health import LedgerState


@dataclass(frozen=True, slots=True)
class LedgerCondition:
    """The state of the ledger, the rows that wait to be written, and those that were lost."""

    state: LedgerState = LedgerState.OK
    pending: int = 0
    lost: int = 0
