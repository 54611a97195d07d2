"""Logs that a budget is nearly used up."""

import logging

from modegate.domain.budgets.account import Balance

log = logging.getLogger(__name__)


def log_budget_warning(balance: Balance) -> None:
    """Logs what has been used; once a window for each account."""
    account = balance.account
    log.warning(
        "budget nearly used up",
        extra={
            "fields": {
                "key": account.subject,
                "unit": account.unit.value,
                "period": account.period.value,
                "used_ratio": round(balance.used / balance.limit, 3),
                "resets_at": balance.window.end,
            }
        },
    )
