"""The alerts and the dashboard against the metrics of a real gateway, and in a real Prometheus."""

import asyncio
import math
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from support.error_samples import SAMPLES
from support.gateway import Gateway, GatewayFactory
from support.key_upstream import KeyUpstream, configured, key_upstream
from support.markdown import ROOT, anchors
from support.prometheus import ADDED, MISSING, PROGRAM, TOOL, prometheus
from support.promql import ALERTS, alerts, panels, selectors
from support.quota_headers import quota_headers
from support.waiting import settled, until

from modegate.adapters.prometheus.merging import CREATED, RULES
from modegate.domain.budgets.budget import Budget
from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider

SCENARIOS = ROOT / "tests/fixtures/prometheus/alerts_test.yml"
QUERIES = {**alerts(), **panels()}
OF_THE_STORE = {"modegate_sessions"}  # added to the page, the same for all workers
UP = Sample("up", {}, 1.0)


async def metrics_after_traffic(
    gateway: GatewayFactory, provider: SimulatedProvider, environment: dict[str, str]
) -> list[Metric]:
    """Returns the metrics of a gateway that has had all kinds of requests."""
    environment["CLAUDE_CODE_OAUTH_TOKEN"] = environment.pop("ANTHROPIC_API_KEY")
    provider.script(Says("Hello.", headers=quota_headers("allowed", five_hour=0.42)))
    async with key_upstream() as upstream:
        upstream.statuses["first"] = 401
        expires = {"second": time.time() + 90_000}
        configuration = configured(upstream, "first", "second", expires=expires)
        configuration.change(budget=Budget(tokens=1_000_000))
        async with gateway(configuration=configuration) as running:
            assert (await running.claude(stream=True)).status_code == 200
            assert (await running.chat("gpt-4o")).status_code == 200
            await leave(running, upstream)
            upstream.statuses["second"] = 500
            assert (await running.chat("gpt-4o")).status_code >= 500
            await settled()
            text = (await running.http.get("/metrics")).text
    return list(text_string_to_metric_families(text))


async def leave(gateway: Gateway, upstream: KeyUpstream) -> None:
    """Disconnects while the upstream is asked."""
    upstream.gate.clear()
    asked = len(upstream.asked)
    request = asyncio.create_task(gateway.chat("gpt-4o"))
    await until(lambda: len(upstream.asked) > asked)
    request.cancel()
    await asyncio.wait({request})
    await settled()
    upstream.gate.set()


def assert_exposed(query: str, exposed: Mapping[str, Mapping[str, set[str]]]) -> None:
    """Fails unless all metrics, labels and values that the query names are exposed."""
    found = selectors(query)
    assert found
    for selector in found:
        labels = exposed[selector.metric]
        assert labels, selector.metric
        assert labels.keys() >= selector.labels, selector
        for label, pattern in selector.conditions:
            assert any(re.fullmatch(pattern, value) for value in labels[label]), selector


def exposed_by(samples: Sequence[Sample]) -> Mapping[str, Mapping[str, set[str]]]:
    """Returns the values of each label of each metric, with all codes that errors have."""
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for sample in samples:
        for label, value in (sample.labels | ADDED).items():
            found[sample.name][label].add(value)
        if "code" in sample.labels:
            found[sample.name]["code"].update(error.code for error in SAMPLES.values())
    return found


async def test_every_query_of_alerts_and_dashboard_finds_what_a_gateway_exposes(
    gateway: GatewayFactory,
    provider: SimulatedProvider,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    metrics = await metrics_after_traffic(gateway, provider, environment)
    gauges = {it.name for it in metrics if it.type == "gauge" and not it.name.endswith(CREATED)}
    assert gauges - OF_THE_STORE <= RULES.keys()  # else workers would not know how to merge it
    samples = [UP, *(sample for family in metrics for sample in family.samples)]
    exposed = exposed_by(samples)
    for query in QUERIES.values():
        assert_exposed(query, exposed)
    for wrong in ('modegate_queue{code="x"}', "modegate_quee", "sum by (code) (modegate_queue)"):
        with pytest.raises(AssertionError):
            assert_exposed(wrong, exposed)
    if PROGRAM is None or TOOL is None:
        pytest.skip(MISSING)
    results = await asyncio.to_thread(evaluated, tmp_path, samples)
    for name in panels():
        assert results[name], name
        assert all(map(math.isfinite, results[name])), name


def evaluated(folder: Path, samples: Sequence[Sample]) -> Mapping[str, list[float]]:
    """Returns the values of each query in a real Prometheus."""
    with prometheus(folder, samples, int(time.time())) as server:
        return {name: server.query(query) for name, query in QUERIES.items()}


def test_every_alert_is_explained_where_it_says() -> None:
    headings = anchors(ROOT / "docs/operations.md")
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            anchor = rule["alert"].lower()
            assert rule["annotations"]["runbook"] == f"docs/operations.md#{anchor}"
            assert anchor in headings


@pytest.mark.skipif(TOOL is None, reason=MISSING)
def test_alerts_fire_in_trouble_and_only_then() -> None:
    assert TOOL is not None
    for command in (
        ["check", "config", str(ALERTS.with_name("prometheus.yml"))],  # and its rules
        ["test", "rules", str(SCENARIOS)],
    ):
        told = subprocess.run([TOOL, *command], capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_scenarios_cover_every_alert() -> None:
    trouble, _ = yaml.safe_load(SCENARIOS.read_text())["tests"]
    (firing,) = trouble["promql_expr_test"]
    named = re.findall(r'alertname="(\w+)"', str(firing["exp_samples"]))
    assert sorted(named) == sorted(alerts())
