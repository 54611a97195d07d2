"""Workers that share a folder expose the samples of all of them."""

import logging
from pathlib import Path

import pytest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from modegate.adapters.prometheus.merging import Family, families_of
from modegate.adapters.prometheus.worker_samples import WorkerSamples


def samples(requests: float, queue: float) -> list[Family]:
    counter = CounterMetricFamily("modegate_requests", "Requests.", labels=["mode"])
    counter.add_metric(["m"], requests)
    return families_of([counter, GaugeMetricFamily("modegate_queue", "Queue.", queue)])


def exposed(families: list[Family]) -> tuple[float | None, float | None]:
    """Returns the number of requests, and the queue."""
    found = {name: value for it in families for (name, _), value in it.samples.items()}
    return found.get("modegate_requests_total"), found.get("modegate_queue")


def test_each_worker_exposes_what_all_have_published(tmp_path: Path) -> None:
    one, other = WorkerSamples(tmp_path), WorkerSamples(tmp_path)
    one.publish(samples(5, 1))
    assert exposed(other.merged(samples(3, 2))) == (8, 3)
    assert exposed(one.merged(samples(6, 0))) == (9, 2)


def test_counters_of_a_dead_worker_remain_and_its_gauges_do_not(tmp_path: Path) -> None:
    one, other = WorkerSamples(tmp_path), WorkerSamples(tmp_path)
    one.publish(samples(5, 1))
    one.close()
    assert exposed(other.merged(samples(3, 2))) == (8, 2)


def test_what_was_exposed_is_not_lost_when_its_worker_is_killed(tmp_path: Path) -> None:
    one, other = WorkerSamples(tmp_path), WorkerSamples(tmp_path)
    one.publish(samples(5, 1))
    assert exposed(one.merged(samples(7, 1))) == (7, 1)
    assert exposed(other.merged(samples(0, 0))) == (7, 1)


def test_the_next_worker_continues_the_counters(tmp_path: Path) -> None:
    other = WorkerSamples(tmp_path)
    for _ in range(3):
        one = WorkerSamples(tmp_path)
        one.publish(samples(5, 1))
        one.close()
    assert exposed(other.merged(samples(3, 2))) == (18, 2)
    assert len(list(tmp_path.glob("*.json"))) == 2
    assert exposed(WorkerSamples(tmp_path).merged(samples(1, 1))) == (19, 3)


def test_a_worker_exposes_its_own_samples_without_a_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    one = WorkerSamples(folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert exposed(one.merged(samples(3, 2))) == (3, 2)
    assert [it.getMessage() for it in caplog.records] == [
        "metrics of this worker not published: No such file or directory"
    ]


def test_a_damaged_file_hides_only_its_own_worker(tmp_path: Path) -> None:
    one, other = WorkerSamples(tmp_path), WorkerSamples(tmp_path)
    one.publish(samples(5, 1))
    other.publish(samples(3, 2))
    (tmp_path / "1.json").write_text("[")
    assert exposed(one.merged(samples(6, 0))) == (6, 0)
