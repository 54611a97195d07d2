"""Request figures have the samples of the library's own metrics."""

from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from modegate.adapters.prometheus.request_figures import RequestFigures
from modegate.domain.answer.usage import Usage
from modegate.domain.usage.model_labels import MAX_MODELS

BOUNDS = (0.01, 0.5, 1, 300)
PASSTHROUGH, CLAUDE, CHAT = "openai-passthrough", "claude-code", "/v1/chat/completions"
Request = tuple[str, str | None, int, str | None, float]
REQUESTS: list[Request] = [
    (PASSTHROUGH, CHAT, 200, None, 0.002),
    (PASSTHROUGH, CHAT, 200, None, 0.5),
    (PASSTHROUGH, CHAT, 503, "backend_error", 0.50001),
    (PASSTHROUGH, CHAT, 503, "storage_unavailable", 0.1),
    (CLAUDE, CHAT, 200, None, 301.0),
    ("none", "/v1/models", 200, None, 0.0),
    ("none", None, 404, "not_found", 0.0),
]
KINDS = {"prompt": 7, "cached": 3, "cache_write": 2, "completion": 5, "reasoning": 1}
USAGE = Usage(7, 5, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
TOKENS_HELP = (
    "Tokens of answers; cached and cache_write are parts of prompt, reasoning of completion."
)


def of_the_library(requests: Iterable[Request]) -> CollectorRegistry:
    registry = CollectorRegistry()
    labels = ["mode", "endpoint", "status", "code"]
    counter = Counter("modegate_requests", "Requests that ended.", labels, registry=registry)
    histogram = Histogram(
        "modegate_request_seconds",
        "From a request's beginning to its end.",
        ["mode"],
        buckets=BOUNDS,
        registry=registry,
    )
    tokens = Counter("modegate_tokens", TOKENS_HELP, ["mode", "model", "kind"], registry=registry)
    cost = Counter(
        "modegate_cost_usd",
        "Cost of answers whose price is known, in USD.",
        ["mode", "model"],
        registry=registry,
    )
    for mode, endpoint, status, code, seconds in requests:
        counter.labels(mode, endpoint or "other", status, code or "none").inc()
        histogram.labels(mode).observe(seconds)
        for kind, number in KINDS.items():
            tokens.labels(mode, f"m-{mode}", kind).inc(number)
        cost.labels(mode, f"m-{mode}").inc(0.25)
    return registry


def of_ours(requests: Iterable[Request]) -> CollectorRegistry:
    registry, figures = CollectorRegistry(), RequestFigures(BOUNDS)
    registry.register(figures)
    for mode, endpoint, status, code, seconds in requests:
        figures.add(mode, endpoint, status, code, seconds)
        figures.add_usage(mode, f"m-{mode}", USAGE, 0.25, is_named=True)
    return registry


def exposition(registry: CollectorRegistry) -> list[str]:
    """Returns the lines of the page, without the times at which the series were created."""
    lines = generate_latest(registry).decode().splitlines()
    return [line.rpartition(" ")[0] if "_created{" in line else line for line in lines]


@pytest.mark.parametrize("number", range(len(REQUESTS) + 1))
def test_the_exposition_is_that_of_the_library(number: int) -> None:
    requests = REQUESTS[:number]
    assert sorted(exposition(of_ours(requests))) == sorted(exposition(of_the_library(requests)))


def test_a_price_that_is_unknown_adds_no_cost() -> None:
    registry, figures = CollectorRegistry(), RequestFigures(BOUNDS)
    registry.register(figures)
    figures.add_usage(CLAUDE, "sonnet", USAGE, None, is_named=True)
    figures.add_usage(CLAUDE, "sonnet", USAGE, 0.5, is_named=True)
    labels = {"mode": CLAUDE, "model": "sonnet"}
    assert registry.get_sample_value("modegate_cost_usd_total", labels) == 0.5


def prompt_tokens(figures: RequestFigures) -> dict[str, float]:
    """Returns the prompt tokens by the label of the model."""
    return {
        sample.labels["model"]: sample.value
        for family in figures.collect()
        for sample in family.samples
        if sample.name == "modegate_tokens_total" and sample.labels["kind"] == "prompt"
    }


def test_models_that_no_backend_accepted_are_no_labels() -> None:
    figures = RequestFigures(BOUNDS)
    for model in ("made-up", None, "gpt-4o"):
        figures.add_usage(PASSTHROUGH, model, USAGE, None, is_named=False)
    figures.add_usage(PASSTHROUGH, "gpt-4o", USAGE, None, is_named=True)
    figures.add_usage(PASSTHROUGH, "gpt-4o", USAGE, None, is_named=False)
    figures.add_usage(PASSTHROUGH, "x" * 1000, USAGE, None, is_named=True)
    assert prompt_tokens(figures) == {"other": 28, "gpt-4o": 14}


def test_the_number_of_models_is_bounded() -> None:
    figures = RequestFigures(BOUNDS)
    for number in range(MAX_MODELS + 50):
        figures.add_usage(PASSTHROUGH, f"m{number}", USAGE, None, is_named=True)
        figures.add_usage(CLAUDE, "m3", USAGE, None, is_named=True)
    found = prompt_tokens(figures)
    assert len(found) == MAX_MODELS + 1
    assert found["other"] == 50 * 7
