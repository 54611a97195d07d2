"""The spans of a request, made from its record."""

import re
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from modegate.adapters.opentelemetry.tracing import Tracing
from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import FailedAttempt, RequestRecord
from modegate.testing.contracts.request_observer import RequestObserverContract

TRACE, CLIENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {b"traceparent": f"00-{TRACE}-{CLIENT}-01".encode()}
CHAT = "/v1/chat/completions"


class World:
    """Tracing whose spans stay in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing(SimpleSpanProcessor(self.exporter))

    def spans(
        self, record: RequestRecord, headers: Mapping[bytes, bytes] = HEADERS
    ) -> list[ReadableSpan]:
        """Returns the spans of one request: its own, then the others in their order."""
        self.tracing.start(record, headers)
        record.backend_began = record.started + 0.01
        record.seconds = 1.0
        self.tracing.observe(record)
        *others, own = self.exporter.get_finished_spans() or (None,)
        return [] if own is None else [own, *others]


@pytest.fixture
def world() -> World:
    return World()


class TestTracing(RequestObserverContract):
    def observer(self) -> Tracing:
        return World().tracing


def test_a_relayed_request_has_one_span_for_each_attempt(world: World) -> None:
    record = RequestRecord(
        "POST", route=CHAT, mode="openai-passthrough", model="gpt-4o", status=200
    )
    record.upstream, record.credential, record.used_model = "openai", "b", "gpt-4o-2024-08-06"
    record.add_attempt(FailedAttempt("a", "backend_rate_limited", 429, 0.25))
    record.add_usage(Usage(10, 2, cached_tokens=4))
    request, failed, used = spans = world.spans(record)
    assert request.kind is SpanKind.SERVER
    assert request.name == f"POST {CHAT}"
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == CLIENT
    assert {it.context and f"{it.context.trace_id:032x}" for it in spans} == {TRACE}
    assert {it.parent and it.parent.span_id for it in (failed, used)} == {request.context.span_id}
    assert failed.end_time == used.start_time
    assert failed.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "modegate.credential": "a",
        "http.response.status_code": 429,
        "error.type": "backend_rate_limited",
    }
    assert used.name == "chat gpt-4o"
    assert used.attributes is not None
    assert used.attributes["gen_ai.response.model"] == "gpt-4o-2024-08-06"
    assert used.attributes["gen_ai.usage.input_tokens"] == 10
    assert (failed.status.is_ok, used.status.is_ok, request.status.is_ok) == (False, True, True)


def test_a_turn_of_the_cli_has_one_span(world: World) -> None:
    record = RequestRecord("POST", route=CHAT, mode="claude-code", model="sonnet", status=200)
    record.session = "s"
    _, turn = world.spans(record)
    assert turn.kind is SpanKind.INTERNAL
    assert turn.attributes is not None
    assert turn.attributes["gen_ai.provider.name"] == "anthropic"
    assert turn.attributes["gen_ai.conversation.id"] == "s"


def test_an_upstream_is_told_the_span_of_the_request(world: World) -> None:
    record = RequestRecord("POST", route=CHAT)
    (request, *_) = world.spans(record)
    assert request.context is not None
    assert record.traceparent == f"00-{TRACE}-{request.context.span_id:016x}-01"


@pytest.mark.parametrize("value", [b"", b"00-nonsense", b"\xff" * 55], ids=repr)
def test_a_damaged_traceparent_begins_a_new_trace(world: World, value: bytes) -> None:
    record = RequestRecord("POST", route=CHAT)
    (request, *_) = world.spans(record, {b"traceparent": value})
    assert request.parent is None
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", str(record.traceparent))


def test_a_request_whose_attempts_all_failed_has_no_other_span(world: World) -> None:
    record = RequestRecord("POST", route=CHAT, status=502, error="upstream_unreachable")
    record.add_attempt(FailedAttempt("a", "upstream_unreachable", None, 0.25))
    spans = world.spans(record)
    assert len(spans) == 2
    assert not any(it.status.is_ok for it in spans)


def test_probes_have_no_spans_and_leave_nothing(world: World) -> None:
    assert not world.spans(RequestRecord("GET", route="/metrics", status=200))
    assert not world.tracing._open  # noqa: SLF001
