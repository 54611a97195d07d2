"""Budgets: what a key may spend in a period."""

from dataclasses import dataclass
from enum import StrEnum


class Period(StrEnum):
    """The time after which a budget begins anew."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many US dollars or tokens a period; None means no such bound."""

    usd: float | None = None
    tokens: int | None = None
    period: Period = Period.MONTH
