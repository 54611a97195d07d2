"""Budgets and token limits."""

from datetime import UTC, datetime

from modegate.domain.budgets.account import GATEWAY, Balance, amount_text
from modegate.domain.budgets.window import Period
from modegate.domain.errors.busy_errors import BudgetExceededError, BusyError, RateLimitError
from modegate.domain.errors.remedies import Remedy
from modegate.domain.errors.request_errors import PriceUnknownError


def exceeded(balance: Balance, retry_after: float) -> BusyError:
    """Returns the error for a request that an account has no room for.

    `retry_after` is in seconds, the time until the account's window ends.
    """
    account, period = balance.account, balance.account.period
    holder = "This server" if account.subject == GATEWAY else "This key"
    limit, left = (amount_text(account.unit, it) for it in (balance.limit, balance.remaining))
    resets = datetime.fromtimestamp(balance.window.end, UTC).isoformat().replace("+00:00", "Z")
    problem = (
        f"{holder} may use {limit} in a {period}, and has too little left for this request: "
        f"{left}. The {period} ends at {resets}."
    )
    if period is Period.MINUTE:
        return RateLimitError(problem, remedies=(Remedy.RETRY_AFTER,), retry_after=retry_after)
    return BudgetExceededError(
        problem, remedies=(Remedy.ASK_FOR_LESS, Remedy.RAISE_BUDGET), retry_after=retry_after
    )


def price_unknown() -> PriceUnknownError:
    """Returns the error for a model without a price, for a client with a budget in US dollars."""
    return PriceUnknownError(
        "The price of this model is unknown, and there is a budget in US dollars.",
        remedies=(Remedy.CHOOSE_MODEL, Remedy.SET_PRICE),
        param="model",
    )
