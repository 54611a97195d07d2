"""Metrics of batches at the moment of a scrape."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.domain.batches.queued_item import QueueLoad


class BatchMetrics(Collector):
    """The items of batches in progress, as of the last look at the queue."""

    def __init__(self, load: Callable[[], QueueLoad]) -> None:
        self._load = load

    def collect(self) -> Iterator[Metric]:
        """Yields one family."""
        load = self._load()
        items = GaugeMetricFamily(
            "modegate_batch_items", "Requests of batches in progress.", labels=["state"]
        )
        items.add_metric(["waiting"], load.waiting)
        items.add_metric(["running"], load.running)
        yield items
