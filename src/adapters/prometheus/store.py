"""Metrics of the store that several gateways share, at the moment of a scrape."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.application.ports.shared_store import SharedStore


class StoreMetrics(Collector):
    """Whether the store is there, and how many gateways use it."""

    def __init__(self, store: SharedStore) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Yields two families."""
        yield GaugeMetricFamily(
            "modegate_store_up",
            "1 while the shared store is there, 0 while it is away.",
            int(self._store.is_up),
        )
        yield GaugeMetricFamily(
            "modegate_store_gateways",
            "Gateways that were last seen in the shared store; each worker is one.",
            self._store.gateways,
        )
