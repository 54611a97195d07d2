"""The samples of several processes are those of one process that had all requests."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.adapters.prometheus.merging import Family, cumulative, families_of, merge, metrics_of

Request = tuple[str, float]
ONE: list[Request] = [("a", 0.1), ("a", 3.0)]
OTHER: list[Request] = [("b", 0.2), ("a", 0.3)]


class Merged(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self.families = families

    def collect(self) -> Iterable[Metric]:
        return metrics_of(self.families)


def process(requests: Iterable[Request], **gauges: float) -> CollectorRegistry:
    registry = CollectorRegistry()
    counter = Counter("requests", "Requests.", ["mode"], registry=registry)
    histogram = Histogram("seconds", "Seconds.", ["mode"], buckets=(0.25, 1), registry=registry)
    for mode, seconds in requests:
        counter.labels(mode).inc()
        histogram.labels(mode).observe(seconds)
    for name, value in gauges.items():
        Gauge(name, name, registry=registry).set(value)
    return registry


def exposition(families: Iterable[Family]) -> list[str]:
    lines = generate_latest(Merged(families)).decode().splitlines()
    return sorted(line for line in lines if "_created{" not in line)


def value_of(families: Iterable[Family], name: str) -> float:
    (found,) = (it for family in families for (key, _), it in family.samples.items() if key == name)
    return found


def test_counters_and_histograms_are_added() -> None:
    merged = merge([families_of(process(it).collect()) for it in (ONE, OTHER)])
    assert exposition(merged) == exposition(families_of(process(ONE + OTHER).collect()))


def test_merging_changes_no_input() -> None:
    one, other = (families_of(process(it).collect()) for it in (ONE, OTHER))
    before = exposition(one), exposition(other)
    merge((one, other))
    assert (exposition(one), exposition(other)) == before


def test_the_first_creation_counts() -> None:
    def created(at: float) -> list[Family]:
        key = "x_created", ()
        return [Family("x", "X.", "counter", {("x_total", ()): 1.0, key: at})]

    merged = merge((created(5.0), created(3.0), created(4.0)))
    assert (value_of(merged, "x_created"), value_of(merged, "x_total")) == (3.0, 3.0)


def test_gauges_follow_their_own_rules() -> None:
    one = process((), modegate_queue=2, modegate_claude_window_used_ratio=0.9, other=1)
    other = process((), modegate_queue=3, modegate_claude_window_used_ratio=0.2, other=5)
    merged = merge([families_of(it.collect()) for it in (one, other)])
    assert value_of(merged, "modegate_queue") == 5
    assert value_of(merged, "modegate_claude_window_used_ratio") == 0.9
    assert value_of(merged, "other") == 1


def test_attempts_of_a_shared_store_are_not_added() -> None:
    one, other = CollectorRegistry(), CollectorRegistry()
    for registry, number in ((one, 7), (other, 6)):
        Counter("modegate_attempts", "Attempts.", registry=registry).inc(number)
    merged = merge([families_of(it.collect()) for it in (one, other)])
    assert value_of(merged, "modegate_attempts_total") == 7


def test_gauges_do_not_outlive_their_process() -> None:
    families = families_of(process(ONE, modegate_queue=2).collect())
    assert {it.name for it in cumulative(families)} == {"requests", "seconds"}


def test_a_gauge_family_without_samples_can_be_merged() -> None:
    empty = families_of([GaugeMetricFamily("x", "X.", labels=["y"])])
    assert [it.samples for it in merge((empty, empty))] == [{}]
