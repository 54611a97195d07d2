"""Metrics of budgets at the moment of a scrape."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.domain.budgets.account import GATEWAY, Balance
from modegate.domain.budgets.window import Period


class BudgetMetrics(Collector):
    """What is left of each budget, as its last request left it; the scarcest of a key's units."""

    def __init__(self, balances: Callable[[], Sequence[Balance]]) -> None:
        self._balances = balances

    def collect(self) -> Iterator[Metric]:
        """Yields one family."""
        left: dict[str, float] = {}
        for balance in self._balances():
            if balance.account.period is not Period.MINUTE:
                key = _label(balance)
                left[key] = min(left.get(key, 1.0), balance.remaining / balance.limit)
        family = GaugeMetricFamily(
            "modegate_budget_remaining_ratio",
            "What is left of a budget, from 0 to 1.",
            labels=["key"],
        )
        for key, ratio in left.items():
            family.add_metric([key], ratio)
        yield family


def _label(balance: Balance) -> str:
    subject = balance.account.subject
    return "gateway" if subject == GATEWAY else subject
