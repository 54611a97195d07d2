"""Measures what a budget costs a request: `python -m benchmarks.budgets [--rounds N]`.

The CPU time of a reservation and its settlement, in memory, without any request.
"""

import argparse
import statistics
import time
from contextlib import nullcontext
from functools import partial

import uvloop

from modegate.adapters.memory.budget_ledger import MemoryBudgetLedger
from modegate.application.budgets.demand import demand_of
from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.usage.pricing import Asked, Pricing
from modegate.domain.access.client import Client, ClientId
from modegate.domain.access.key_rules import NO_RULES, KeyRules
from modegate.domain.answer.usage import Usage
from modegate.domain.budgets.budget import Budget
from modegate.domain.configuration import Configuration
from modegate.domain.inbound_request import ChatBody
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.prices import DatedPrice, Price, PriceTable
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.budget_ledger import KnownHistory

REQUESTS = 20_000
PLENTY = 10**12
MODEL = "gpt-4o"
RULES = {
    "no budget": NO_RULES,
    "tokens a month": KeyRules(budget=Budget(tokens=PLENTY)),
    "USD and tokens a month, tokens a minute": KeyRules(
        tpm=PLENTY, budget=Budget(usd=PLENTY, tokens=PLENTY)
    ),
}


class NoPrices:
    """Knows no prices: those of the operator count."""

    version = "none"

    def find(self, base_url: str, model: str, at: float) -> Price | None:  # noqa: ARG002
        """Returns None."""
        return None


async def cost_us(rules: KeyRules) -> float:
    """Returns the CPU time of one request in µs."""
    clock = FakeClock()
    budgets = ReserveBudget(MemoryBudgetLedger(KnownHistory()), Pricing(NoPrices(), clock), clock)
    price = DatedPrice(Price(input=1.0, output=2.0))
    configuration = Configuration(prices=PriceTable({MODEL: (price,)}))
    body = ChatBody(b"x" * 300, {"max_tokens": 10})
    client = Client(ClientId("client"), "-", "key_a", rules)
    began = time.process_time()
    for _ in range(REQUESTS):
        record = RequestRecord(usage=Usage(3, 4), cost_usd=1e-6)
        asked = Asked(configuration.prices, None, MODEL)
        inner = nullcontext()
        async with budgets.around(
            inner, client, configuration, record, partial(demand_of, body, asked)
        ):
            pass
    return (time.process_time() - began) / REQUESTS * 1e6


async def main(rounds: int) -> None:
    """Measures all rules in turn, and prints medians."""
    found: dict[str, list[float]] = {name: [] for name in RULES}
    for _ in range(rounds):
        for name, rules in RULES.items():
            found[name].append(await cost_us(rules))
    print("| budget | CPU of a request, µs |\n|---|---|")
    for name, times in found.items():
        print(f"| {name} | {statistics.median(times):.1f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    uvloop.run(main(parser.parse_args().rounds))
