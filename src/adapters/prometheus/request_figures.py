"""The figures that every request changes: its count, its duration, and its tokens.

The library's own metrics check each value and take a lock for each of three increments, which costs
a relayed request about 2 %. These belong to one event loop, and need no lock.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.domain.answer.usage import Usage

REQUESTS, DURATION, TOKENS = "modegate_requests", "modegate_request_seconds", "modegate_tokens"


class RequestFigures(Collector):
    """Counts requests by mode and status, and their durations by mode.

    `bounds` are the upper bounds of the histogram's buckets, in seconds.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(map(float, bounds))
        self._counts: dict[tuple[str, int], _Count] = {}
        self._durations: dict[str, _Durations] = {}
        self._tokens: dict[str, _Tokens] = {}

    def add(self, mode: str, status: int, seconds: float) -> None:
        """Counts one request."""
        count = self._counts.get((mode, status))
        if count is None:
            count = self._counts[mode, status] = _Count()
        count.number += 1
        durations = self._durations.get(mode)
        if durations is None:
            durations = self._durations[mode] = _Durations(len(self._bounds) + 1)
        durations.sum += seconds
        durations.numbers[bisect_left(self._bounds, seconds)] += 1

    def add_tokens(self, mode: str, usage: Usage) -> None:
        """Counts the tokens of one request."""
        tokens = self._tokens.get(mode)
        if tokens is None:
            tokens = self._tokens[mode] = _Tokens()
        tokens.prompt += usage.prompt_tokens
        tokens.completion += usage.completion_tokens

    def collect(self) -> Iterator[Metric]:
        """Yields the same samples as a `Counter` and a `Histogram` of the library."""
        requests = CounterMetricFamily(REQUESTS, "Requests that ended.", labels=["mode", "status"])
        for (mode, status), count in [*self._counts.items()]:
            requests.add_metric([mode, str(status)], count.number, count.created)
        yield requests
        durations = HistogramMetricFamily(
            DURATION, "From a request's beginning to its end.", labels=["mode"]
        )
        for mode, found in [*self._durations.items()]:
            durations.add_metric([mode], self._buckets(found), found.sum)
            durations.add_sample(f"{DURATION}_created", {"mode": mode}, found.created)
        yield durations
        tokens = CounterMetricFamily(TOKENS, "Tokens of answers.", labels=["mode", "kind"])
        for mode, spent in [*self._tokens.items()]:
            tokens.add_metric([mode, "prompt"], spent.prompt, spent.created)
            tokens.add_metric([mode, "completion"], spent.completion, spent.created)
        yield tokens

    def _buckets(self, found: "_Durations") -> list[tuple[str, float]]:
        """Returns each bound, and the number of requests up to it."""
        names = (*map(str, self._bounds), "+Inf")
        return [(name, sum(found.numbers[: at + 1])) for at, name in enumerate(names)]


class _Count:
    def __init__(self) -> None:
        self.number = 0
        self.created = time.time()


class _Tokens:
    def __init__(self) -> None:
        self.prompt = 0
        self.completion = 0
        self.created = time.time()


class _Durations:
    """The number of requests in each bucket, not cumulated, and the sum of their durations."""

    def __init__(self, buckets: int) -> None:
        self.numbers = [0] * buckets
        self.sum = 0.0
        self.created = time.time()
