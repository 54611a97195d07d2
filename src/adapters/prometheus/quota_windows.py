"""Metrics of the Claude account's quota windows, read at the moment of a scrape."""

import time
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.application.ports.backend_status import BackendStatus


class QuotaWindowMetrics(Collector):
    """The use of each window, and the seconds until its reset; without a sample if unknown.

    `now` returns the machine's time in Unix seconds, which is what resets are told in.
    """

    def __init__(self, claude: BackendStatus, now: Callable[[], float] = time.time) -> None:
        self._claude = claude
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yields two families, or none as long as no window is known."""
        known = self._claude.status().windows
        if known is None:
            return
        used = GaugeMetricFamily(
            "modegate_claude_window_used_ratio",
            "Use of a quota window of the Claude login; 1 is the limit.",
            labels=["window"],
        )
        resets = GaugeMetricFamily(
            "modegate_claude_window_resets_seconds",
            "Seconds until a quota window of the Claude login resets.",
            labels=["window"],
        )
        now = self._now()
        for window in known.windows.values():
            if window.used_ratio is not None:
                used.add_metric([window.name], window.used_ratio)
            if window.resets_at is not None:
                resets.add_metric([window.name], max(0.0, window.resets_at - now))
        yield used
        yield resets
