"""The steps that reserve a request's upper estimate, and settle it with the real figures."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import TypeVar
from uuid import uuid4

from modegate.application.budgets.demand import Demand
from modegate.application.budgets.reserved import BudgetedRequest, Context, Reserved
from modegate.application.ports.budget_ledger import BudgetLedger
from modegate.application.ports.clock import Clock
from modegate.application.usage.pricing import Pricing
from modegate.domain.access.client import Client
from modegate.domain.access.key_rules import NO_RULES, KeyRules
from modegate.domain.answer.usage import Usage
from modegate.domain.budgets.account import (
    Account,
    Balance,
    InsufficientBudgetError,
    Unit,
    nano_usd,
)
from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.charges import (
    Allowance,
    Estimate,
    allowances_of,
    charges_for,
)
from modegate.domain.budgets.window import CurrentWindows
from modegate.domain.configuration import Configuration
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import budgets as errors
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.estimates import prompt_estimate

T = TypeVar("T")

# The part of a budget after which the operator is warned.
WARNING_RATIO = 0.8


def noop(_: Balance) -> None:
    """No-op callback."""


class ReserveBudget:
    """Reserves before requests, and settles after them.

    `on_warning` is called once a window for each account that has used most of its limit.
    """

    def __init__(self, ledger: BudgetLedger, pricing: Pricing, clock: Clock) -> None:
        self.on_warning: Callable[[Balance], None] = noop
        self._ledger = ledger
        self._pricing = pricing
        self._clock = clock
        self._last: dict[Account, Balance] = {}
        self._warned: dict[Account, int] = {}
        self._windows = CurrentWindows()
        self._allowances: dict[str, tuple[KeyRules, Budget | None, Sequence[Allowance]]] = {}
        # Unique among all processes that share a ledger.
        self._prefix = f"{uuid4().hex}-"
        self._numbers = count()

    def may_apply(self, client: Client, configuration: Configuration) -> bool:
        """Returns whether there may be a budget for a client; most clients have none."""
        return client.rules is not NO_RULES or configuration.budget is not None

    def around(
        self,
        inner: Context[T],
        client: Client,
        configuration: Configuration,
        record: RequestRecord,
        demand: Callable[[], Demand],
    ) -> Context[T]:
        """Returns the context `inner` within a reservation; itself if no budget applies.

        Raises (on entering):
            BudgetExceededError: a budget has too little left.
            RateLimitError: the key's tokens of this minute have too little left.
            PriceUnknownError: there is a budget in US dollars, and no price.
            StorageError: the budgets cannot be read.
        """
        if not self.may_apply(client, configuration):
            return inner
        allowances = self._allowances_of(client, configuration.budget)
        if not allowances:
            return inner
        return Reserved(self, inner, BudgetedRequest(allowances, configuration, record, demand))

    def balances(self) -> Sequence[Balance]:
        """Returns the last known balance of each account that was used."""
        return list(self._last.values())

    async def reserve(self, request: BudgetedRequest) -> str:
        """Reserves the estimate of a request and returns the reservation's id."""
        configuration = request.configuration
        now = self._clock.time_of_day()
        estimate = self._estimate(request)
        window = self._windows.at(now, configuration.budget_zone)
        charges = charges_for(request.allowances, estimate, window)
        reservation = f"{self._prefix}{next(self._numbers)}"
        try:
            balances = await self._ledger.reserve(reservation, charges)
        except InsufficientBudgetError as error:
            self._note(error.balance)
            raise errors.exceeded(error.balance, max(0.0, error.balance.window.end - now)) from None
        for balance in balances:
            self._note(balance)
        request.balances = balances
        request.record.budget = _shown(request)
        return reservation

    async def settle(self, reservation: str, request: BudgetedRequest) -> None:
        """Settles a reservation with what the record says; nothing was used if it says nothing."""
        record = request.record
        used = {
            Unit.TOKENS: 0 if record.usage is None else record.usage.total_tokens,
            Unit.NANO_USD: 0 if record.cost_usd is None else nano_usd(record.cost_usd),
        }
        amounts = {it.account: used[it.account.unit] for it in request.balances}
        try:
            after = await self._ledger.settle(reservation, amounts)
        except StorageError:  # the lease ends by itself, and the answer is not lost
            return
        request.balances = [_updated(it, after) for it in request.balances]
        record.budget = _shown(request)
        for balance in request.balances:
            self._note(balance)
            self._warn(balance)

    def _allowances_of(self, client: Client, gateway: Budget | None) -> Sequence[Allowance]:
        """Returns the accounts of a client's requests, which only a change of rules changes."""
        rules = client.rules
        known = self._allowances.get(client.key_id)
        if known is None or known[0] is not rules or known[1] is not gateway:
            found = allowances_of(client.key_id, rules.tpm, rules.budget, gateway)
            known = self._allowances[client.key_id] = (rules, gateway, found)
        return known[2]

    def _estimate(self, request: BudgetedRequest) -> Estimate:
        configuration, demand = request.configuration, request.demand()
        tokens = demand.completion_tokens
        if tokens is None:
            tokens = configuration.reserved_completion_tokens
        usage = Usage(prompt_estimate(demand.body_bytes), tokens, estimated=True)
        if not any(it.account.unit is Unit.NANO_USD for it in request.allowances):
            return Estimate(usage.total_tokens, None)
        found = self._pricing.find(demand.asked)
        price = demand.upper_price if found is None else found.price
        if price is None and not configuration.allows_unknown_prices:
            raise errors.price_unknown()
        return Estimate(usage.total_tokens, None if price is None else price.cost(usage))

    def _note(self, balance: Balance) -> None:
        self._last[balance.account] = balance

    def _warn(self, balance: Balance) -> None:
        account, start = balance.account, balance.window.start
        if balance.used >= WARNING_RATIO * balance.limit and self._warned.get(account) != start:
            self._warned[account] = start
            self.on_warning(balance)


def _updated(balance: Balance, used: Mapping[Account, int]) -> Balance:
    return Balance(
        balance.account, balance.window, balance.limit, used.get(balance.account, balance.used)
    )


def _shown(request: BudgetedRequest) -> Sequence[Balance]:
    """Returns the balances of the key's own budget, which its client sees."""
    return tuple(it for it in request.balances if it.is_of_key_budget)
