"""Reservations around requests."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from modegate.adapters.memory.budget_ledger import MemoryBudgetLedger
from modegate.application.budgets.demand import Demand
from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.usage.pricing import Asked, Pricing
from modegate.domain.access.client import Client, ClientId
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.answer.usage import Usage
from modegate.domain.budgets.account import GATEWAY, Account, Balance, Unit, nano_usd
from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period
from modegate.domain.configuration import Configuration
from modegate.domain.errors import (
    BudgetExceededError,
    GatewayError,
    PriceUnknownError,
    RateLimitError,
)
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.prices import DatedPrice, Price, PriceTable
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.budget_ledger import KnownHistory

SEVEN = Usage(3, 4)
DAILY_TOKENS = KeyRules(budget=Budget(tokens=100, period=Period.DAY))
PRICES = PriceTable({"gpt-4o": (DatedPrice(Price(input=1.0, output=2.0)),)})


class NoPrices:
    version = "none"

    def find(self, base_url: str, model: str, at: float) -> Price | None:  # noqa: ARG002
        return None


class World:
    """One gateway with a memory ledger; each request reserves 30 + 10 tokens by default."""

    def __init__(self, history: KnownHistory | None = None) -> None:
        self.clock = FakeClock()
        self.ledger = MemoryBudgetLedger(history or KnownHistory())
        self.budgets = ReserveBudget(self.ledger, Pricing(NoPrices(), self.clock), self.clock)
        self.configuration = Configuration(prices=PRICES)
        self.warnings: list[Balance] = []
        self.budgets.on_warning = self.warnings.append

    def request(
        self,
        rules: KeyRules = DAILY_TOKENS,
        usage: Usage | None = SEVEN,
        cost: float | None = None,
        error: BaseException | None = None,
        **demand: Any,
    ) -> AbstractAsyncContextManager[RequestRecord]:
        record = RequestRecord()
        given: dict[str, Any] = {"body_bytes": 90, "completion_tokens": 10, "model": "gpt-4o"}
        given.update(demand)
        model = given.pop("model")
        asked = Asked(self.configuration.prices, None, model)

        @asynccontextmanager
        async def sent() -> AsyncIterator[RequestRecord]:
            if error is not None:
                raise error
            yield record
            record.usage, record.cost_usd = usage, cost

        return self.budgets.around(
            sent(),
            Client(ClientId("c"), "-", "key_a", rules),
            self.configuration,
            record,
            lambda: Demand(asked=asked, **given),
        )

    def used(self, unit: Unit = Unit.TOKENS, subject: str = "key_a") -> int:
        """Returns the last known use of an account of a subject."""
        return next(
            it.used
            for it in self.budgets.balances()
            if (it.account.subject, it.account.unit) == (subject, unit)
        )


async def test_a_request_without_budgets_has_no_reservation() -> None:
    world = World()
    async with world.request(KeyRules(models=("gpt-4o",))) as record:
        assert record.budget == ()
    assert world.budgets.balances() == []


async def test_a_request_reserves_its_estimate_and_settles_its_usage() -> None:
    world = World()
    async with world.request() as record:
        assert world.used() == 30 + 10
        (balance,) = record.budget
        assert balance.remaining == 60
    assert world.used() == 7
    (balance,) = record.budget
    assert balance.remaining == 93


async def test_without_a_maximum_the_configured_completion_tokens_are_reserved() -> None:
    world = World()
    world.configuration = replace(world.configuration, reserved_completion_tokens=50)
    async with world.request(completion_tokens=None):
        assert world.used() == 30 + 50


@pytest.mark.parametrize("error", [RateLimitError("x"), asyncio.CancelledError()])
async def test_a_request_that_fails_without_an_answer_is_released(error: BaseException) -> None:
    world = World()
    with pytest.raises(type(error)):
        async with world.request(error=error):
            pass
    assert world.used() == 0


async def test_concurrent_requests_are_admitted_as_long_as_there_is_room() -> None:
    world = World()
    hold = asyncio.Event()
    admitted = 0

    async def ask() -> None:
        nonlocal admitted
        async with world.request(body_bytes=15, completion_tokens=5):
            admitted += 1
            await hold.wait()

    asking = [asyncio.create_task(ask()) for _ in range(50)]
    refused = asyncio.as_completed(asking)
    for done in itertools.islice(refused, 40):
        with pytest.raises(BudgetExceededError):
            await done
    hold.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert admitted == 10
    assert sum(isinstance(it, BudgetExceededError) for it in outcomes) == 40
    assert world.used() == 10 * 7


async def test_the_error_of_an_exceeded_budget_says_when_it_resets() -> None:
    world = World()
    with pytest.raises(BudgetExceededError) as caught:
        async with world.request(completion_tokens=71):
            pass
    now = world.clock.time_of_day()
    assert caught.value.retry_after == 86_400 - now % 86_400
    assert "2023-11-15T00:00:00Z" in str(caught.value)
    assert "100 tokens" in str(caught.value)


async def test_tokens_a_minute_are_a_rate_limit_that_ends_with_the_minute() -> None:
    world = World()
    rules = KeyRules(tpm=50)
    async with world.request(rules) as record:
        assert record.budget == ()  # shown are budgets, not limits
        with pytest.raises(RateLimitError) as caught:
            async with world.request(rules):
                pass
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 60
    world.clock.advance(60)
    async with world.request(rules):
        pass


async def test_the_gateways_budget_counts_all_clients() -> None:
    world = World()
    world.configuration = replace(
        world.configuration, budget=Budget(tokens=50, period=Period.MONTH)
    )
    async with world.request(KeyRules()):
        assert world.used(subject=GATEWAY) == 40
        with pytest.raises(BudgetExceededError, match="This server"):
            async with world.request(KeyRules()):
                pass


async def test_dollars_are_reserved_at_the_price_and_settled_at_the_cost() -> None:
    world = World()
    rules = KeyRules(budget=Budget(usd=0.001))
    async with world.request(rules, cost=0.000123) as record:
        assert world.used(Unit.NANO_USD) == nano_usd((30 * 1.0 + 10 * 2.0) / 1e6)
        assert [it.account.unit for it in record.budget] == [Unit.NANO_USD]
    assert world.used(Unit.NANO_USD) == 123_000


async def test_an_unknown_price_is_refused_unless_the_operator_allows_it() -> None:
    world = World()
    rules = KeyRules(budget=Budget(usd=1.0))
    with pytest.raises(PriceUnknownError):
        async with world.request(rules, model="unknown"):
            pass
    world.configuration = replace(world.configuration, allows_unknown_prices=True)
    async with world.request(rules, model="unknown"):
        assert world.used(Unit.NANO_USD) == 0


async def test_a_warning_comes_once_a_window_after_four_fifths() -> None:
    world = World()
    for used in (79, 1, 1):
        async with world.request(usage=Usage(used, 0), body_bytes=0, completion_tokens=1):
            pass
    assert [it.used for it in world.warnings] == [80]
    world.clock.advance(86_400)
    async with world.request(usage=Usage(90, 0)):
        pass
    assert [it.used for it in world.warnings] == [80, 90]


async def test_what_was_spent_before_the_start_counts() -> None:
    account = Account("key_a", Unit.TOKENS, Period.DAY)
    world = World(KnownHistory({account: 70}))
    with pytest.raises(GatewayError):
        async with world.request():
            pass
