"""Metrics of the usage ledger at the moment of a scrape."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.domain.usage.condition import LedgerCondition


class LedgerMetrics(Collector):
    """The rows of this process that wait to be written, and those that were lost."""

    def __init__(self, condition: Callable[[], LedgerCondition]) -> None:
        self._condition = condition

    def collect(self) -> Iterator[Metric]:
        """Yields two families."""
        condition = self._condition()
        yield GaugeMetricFamily(
            "modegate_ledger_pending_rows",
            "Rows of the usage ledger that wait to be written.",
            condition.pending,
        )
        yield CounterMetricFamily(
            "modegate_ledger_lost_rows",
            "Rows of the usage ledger that could not be written.",
            condition.lost,
        )
