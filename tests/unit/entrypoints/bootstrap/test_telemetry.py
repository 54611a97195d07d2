"""Which variables turn on traces and metrics for a collector."""

import sys
from types import SimpleNamespace

import pytest

from modegate.entrypoints.bootstrap.telemetry import ADAPTER, generation_metrics, tracing

URL = "http://127.0.0.1:1"
ALL = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL}


@pytest.mark.parametrize(
    ("environment", "has_traces", "has_metrics"),
    [
        ({}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False, False),
        (ALL, True, True),
        (ALL | {"OTEL_METRICS_EXPORTER": "none"}, True, False),
        (ALL | {"OTEL_TRACES_EXPORTER": "none"}, False, True),
        (ALL | {"OTEL_METRICS_EXPORTER": "otlp"}, True, True),
        (ALL | {"OTEL_SDK_DISABLED": "true"}, False, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": URL}, False, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": URL}, True, False),
    ],
    ids=str,
)
def test_a_collector_gets_what_the_environment_asks_for(
    environment: dict[str, str],
    has_traces: bool,
    has_metrics: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, f"{ADAPTER}.tracing", SimpleNamespace(Tracing=object))
    monkeypatch.setitem(
        sys.modules, f"{ADAPTER}.metrics", SimpleNamespace(GenerationMetrics=object)
    )
    assert (tracing(environment) is not None) == has_traces
    assert (generation_metrics(environment) is not None) == has_metrics
