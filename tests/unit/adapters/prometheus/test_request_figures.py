"""Request figures have the samples of the library's own metrics."""

from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from modegate.adapters.prometheus.request_figures import RequestFigures
from modegate.domain.answer.usage import Usage

BOUNDS = (0.01, 0.5, 1, 300)
REQUESTS = [
    ("openai-passthrough", 200, 0.002),
    ("openai-passthrough", 200, 0.5),
    ("openai-passthrough", 503, 0.50001),
    ("claude-code", 200, 301.0),
    ("none", 404, 0.0),
]


def of_the_library(requests: Iterable[tuple[str, int, float]]) -> CollectorRegistry:
    registry = CollectorRegistry()
    counter = Counter(
        "modegate_requests", "Requests that ended.", ["mode", "status"], registry=registry
    )
    histogram = Histogram(
        "modegate_request_seconds",
        "From a request's beginning to its end.",
        ["mode"],
        buckets=BOUNDS,
        registry=registry,
    )
    tokens = Counter("modegate_tokens", "Tokens of answers.", ["mode", "kind"], registry=registry)
    for mode, status, seconds in requests:
        counter.labels(mode, status).inc()
        histogram.labels(mode).observe(seconds)
        tokens.labels(mode, "prompt").inc(status)
        tokens.labels(mode, "completion").inc(2)
    return registry


def of_ours(requests: Iterable[tuple[str, int, float]]) -> CollectorRegistry:
    registry, figures = CollectorRegistry(), RequestFigures(BOUNDS)
    registry.register(figures)
    for request in requests:
        figures.add(*request)
        mode, status, _ = request
        figures.add_tokens(mode, Usage(prompt_tokens=status, completion_tokens=2))
    return registry


def exposition(registry: CollectorRegistry) -> list[str]:
    """Returns the lines of the page, without the times at which the series were created."""
    lines = generate_latest(registry).decode().splitlines()
    return [line.rpartition(" ")[0] if "_created{" in line else line for line in lines]


@pytest.mark.parametrize("number", range(len(REQUESTS) + 1))
def test_the_exposition_is_that_of_the_library(number: int) -> None:
    requests = REQUESTS[:number]
    assert sorted(exposition(of_ours(requests))) == sorted(exposition(of_the_library(requests)))
