"""Budgets: what a key, or the gateway, may spend in a period."""

from modegate.domain.budgets.window import Period
from modegate.lazy_dataclass import dataclass

# A minute is for token limits only.
BUDGET_PERIODS = (Period.DAY, Period.WEEK, Period.MONTH)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many US dollars or tokens a period; None means no such bound."""

    usd: float | None = None
    tokens: int | None = None
    period: Period = Period.MONTH
