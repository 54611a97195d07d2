"""The periods of budgets in other gateways."""

from types import MappingProxyType

from modegate.domain.budgets.window import Period

PERIODS = MappingProxyType(
    {
        **dict.fromkeys(("1d", "24h", "daily", "86400s"), Period.DAY),
        **dict.fromkeys(("7d", "1w", "weekly"), Period.WEEK),
        **dict.fromkeys(("28d", "30d", "31d", "1mo", "monthly"), Period.MONTH),
    }
)
UNKNOWN = "modegate's budgets begin anew each day, week or month: choose one of them"


def period_of(text: str | None) -> Period | None:
    """Returns the period of a text like `30d` or `monthly`; None if modegate has none like it."""
    return PERIODS.get((text or "").lower())
