"""Traces and metrics from a client through the gateway to an upstream and to a collector."""

import sys
from collections.abc import AsyncIterator

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support.gateway import GatewayFactory
from support.key_upstream import ANSWER, JSON

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.answer_backend import ScriptedBackend

TRACE, CLIENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{CLIENT}-01"}
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Peers:
    """An upstream and a collector in one server."""

    def __init__(self) -> None:
        self.traceparents: list[str | None] = []
        self.spans: list[Span] = []
        self.metrics: set[str] = set()

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answers one request."""
        if request.path == "/v1/metrics":
            measured = ExportMetricsServiceRequest.FromString(request.body)
            scopes = (scope for it in measured.resource_metrics for scope in it.scope_metrics)
            self.metrics |= {metric.name for scope in scopes for metric in scope.metrics}
            await reply.whole(200, b"", {"content-type": "application/x-protobuf"})
        elif request.path.endswith("/traces"):
            told = ExportTraceServiceRequest.FromString(request.body)
            scopes = (scope for it in told.resource_spans for scope in it.scope_spans)
            self.spans += [span for scope in scopes for span in scope.spans]
            await reply.whole(200, b"", {"content-type": "application/x-protobuf"})
        else:
            self.traceparents.append(request.headers.get("traceparent"))
            await reply.whole(200, ANSWER, JSON)


@pytest.fixture
async def peers() -> AsyncIterator[tuple[Peers, str]]:
    """The peers, and their address."""
    it = Peers()
    async with LoopbackServer(it.answer).running() as url:
        yield it, url


async def test_traces_and_metrics_reach_the_upstream_and_the_collector(
    gateway: GatewayFactory,
    environment: dict[str, str],
    peers: tuple[Peers, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard, url = peers
    monkeypatch.setenv(ENDPOINT, url)  # the SDK reads the process's own variables
    environment[ENDPOINT] = url
    upstream = {"openai_api_key": "sk-server", "openai_base_url": f"{url}/v1"}
    async with gateway(claude=ScriptedBackend(), **upstream) as running:
        assert (await running.chat("gpt-4o", headers=TRACEPARENT)).status_code == 200
        embedding = {"model": "m", "input": "x"}
        await running.http.post("/v1/embeddings", json=embedding, headers=TRACEPARENT)
        assert (await running.claude(headers=TRACEPARENT)).status_code == 200
    # The gateway exports what is left when it stops.
    assert {it.trace_id.hex() for it in heard.spans} == {TRACE}
    servers = {it.span_id.hex() for it in heard.spans if it.parent_span_id.hex() == CLIENT}
    names = [it.name for it in heard.spans if it.parent_span_id.hex() in servers]
    assert sorted(names) == ["chat gpt-4o", "chat sonnet", "embeddings m"]
    assert len(heard.traceparents) == 2
    for told in heard.traceparents:
        assert told is not None
        assert told.split("-")[1] == TRACE
        assert told.split("-")[2] in servers
    assert heard.metrics >= {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}


async def test_without_a_collector_an_upstream_is_told_nothing(
    gateway: GatewayFactory, peers: tuple[Peers, str]
) -> None:
    heard, url = peers
    async with gateway(openai_api_key="sk-server", openai_base_url=f"{url}/v1") as running:
        assert running.container.tracing() is None
        assert running.container.generation_metrics() is None
        await running.chat("gpt-4o", headers=TRACEPARENT)
    assert heard.traceparents == [None]


async def test_without_the_extra_requests_are_answered(
    gateway: GatewayFactory,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    environment[ENDPOINT] = "http://127.0.0.1:1"
    for part, needed in (
        ("tracing", "opentelemetry.sdk.trace"),
        ("metrics", "opentelemetry.sdk.metrics"),
    ):
        monkeypatch.setitem(sys.modules, needed, None)
        monkeypatch.delitem(sys.modules, f"modegate.adapters.opentelemetry.{part}", raising=False)
    async with gateway(claude=ScriptedBackend()) as running:
        assert (await running.claude()).status_code == 200
    assert caplog.text.count("modegate[otel]") == 2
