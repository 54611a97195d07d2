"""The figures that every request changes: its count, its duration, its tokens, and its cost.

The library's own metrics check each value and take a lock for each increment, which costs a relayed
request about 2 %. These belong to one event loop, and need no lock.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.domain.answer.usage import Usage
from modegate.domain.usage.model_labels import ModelLabels

REQUESTS, DURATION = "modegate_requests", "modegate_request_seconds"
TOKENS, COST = "modegate_tokens", "modegate_cost_usd"
NONE = "none"
OTHER = "other"


class RequestFigures(Collector):
    """Counts requests by mode, endpoint, status and code; durations by mode; usage by model.

    `bounds` are the upper bounds of the histogram's buckets, in seconds.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(map(float, bounds))
        self._counts: dict[tuple[str, str | None, int, str | None], _Count] = {}
        self._durations: dict[str, _Durations] = {}
        self._usage: dict[tuple[str, str | None], _Usage] = {}
        self._models = ModelLabels()

    def add(
        self, mode: str, endpoint: str | None, status: int, code: str | None, seconds: float
    ) -> None:
        """Counts one request; `endpoint` is None if no route matched, `code` without an error."""
        count = self._counts.get((mode, endpoint, status, code))
        if count is None:
            count = self._counts[mode, endpoint, status, code] = _Count(self._durations_of(mode))
        count.number += 1
        durations = count.durations
        durations.sum += seconds
        durations.numbers[bisect_left(self._bounds, seconds)] += 1

    def add_usage(
        self, mode: str, model: str | None, usage: Usage, cost_usd: float | None, *, is_named: bool
    ) -> None:
        """Counts the tokens and the cost of one request, whose model may be a client's text.

        `is_named` states that a backend has accepted the model, so that it may become a label.
        """
        used = self._usage.get((mode, model))
        if used is None:
            used = self._usage_of(mode, model, is_named=is_named)
        used.prompt += usage.prompt_tokens
        used.completion += usage.completion_tokens
        used.cached += usage.cached_tokens
        used.cache_write += usage.cache_write_tokens
        used.reasoning += usage.reasoning_tokens
        if cost_usd:
            used.cost += cost_usd

    def collect(self) -> Iterator[Metric]:
        """Yields the same samples as a `Counter` and a `Histogram` of the library."""
        requests = CounterMetricFamily(
            REQUESTS, "Requests that ended.", labels=["mode", "endpoint", "status", "code"]
        )
        for (mode, endpoint, status, code), count in [*self._counts.items()]:
            labels = [mode, endpoint or OTHER, str(status), code or NONE]
            requests.add_metric(labels, count.number, count.created)
        yield requests
        yield self._collect_durations()
        tokens = CounterMetricFamily(
            TOKENS,
            "Tokens of answers; cached and cache_write are parts of prompt, reasoning of completion.",
            labels=["mode", "model", "kind"],
        )
        cost = CounterMetricFamily(
            COST, "Cost of answers whose price is known, in USD.", labels=["mode", "model"]
        )
        for (mode, model), used in [*self._usage.items()]:
            for kind, number in used.kinds():
                tokens.add_metric([mode, model or OTHER, kind], number, used.created)
            cost.add_metric([mode, model or OTHER], used.cost, used.created)
        yield tokens
        yield cost

    def _collect_durations(self) -> Metric:
        family = HistogramMetricFamily(
            DURATION, "From a request's beginning to its end.", labels=["mode"]
        )
        for mode, found in [*self._durations.items()]:
            family.add_metric([mode], self._buckets(found), found.sum)
            family.add_sample(f"{DURATION}_created", {"mode": mode}, found.created)
        return family

    def _durations_of(self, mode: str) -> "_Durations":
        found = self._durations.get(mode)
        if found is None:
            found = self._durations[mode] = _Durations(len(self._bounds) + 1)
        return found

    def _usage_of(self, mode: str, model: str | None, *, is_named: bool) -> "_Usage":
        label = self._models.admit(model) if is_named else self._models.known(model)
        found = self._usage.get((mode, label))
        if found is None:
            found = self._usage[mode, label] = _Usage()
        return found

    def _buckets(self, found: "_Durations") -> list[tuple[str, float]]:
        """Returns each bound, and the number of requests up to it."""
        names = (*map(str, self._bounds), "+Inf")
        return [(name, sum(found.numbers[: at + 1])) for at, name in enumerate(names)]


class _Durations:
    """The number of requests in each bucket, not cumulated, and the sum of their durations."""

    def __init__(self, buckets: int) -> None:
        self.numbers = [0] * buckets
        self.sum = 0.0
        self.created = time.time()


class _Count:
    """The number of requests; `durations` are those of the mode."""

    def __init__(self, durations: _Durations) -> None:
        self.number = 0
        self.durations = durations
        self.created = time.time()


class _Usage:
    def __init__(self) -> None:
        self.prompt = self.cached = self.cache_write = self.completion = self.reasoning = 0
        self.cost = 0.0
        self.created = time.time()

    def kinds(self) -> Iterator[tuple[str, int]]:
        """Yields the label of each kind of token, and its number."""
        yield "prompt", self.prompt
        yield "cached", self.cached
        yield "cache_write", self.cache_write
        yield "completion", self.completion
        yield "reasoning", self.reasoning
