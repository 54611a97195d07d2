"""Traces of requests: one span a request, and in it one an attempt or a turn of the CLI.

The span of a request begins with it, because an upstream is told its id. All other spans are made from
the record once the request has ended.
"""

import asyncio
import time
from collections.abc import Mapping
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from modegate.adapters.opentelemetry.attributes import (
    FIRST_ERROR,
    attempt_attributes,
    generation_attributes,
    generation_name,
    is_failed,
    request_attributes,
)
from modegate.adapters.opentelemetry.resource import gateway_resource
from modegate.domain.request_record import FailedAttempt, RequestRecord
from modegate.domain.routing.mode import Mode

NANO = 1_000_000_000
# Asked by machines all day; their traces say nothing.
UNTRACED = frozenset({"/health", "/live", "/metrics"})


class Tracing:
    """Traces every request, and exports the spans in the background.

    Without a `processor`, spans are sent with OTLP over HTTP; the SDK reads the `OTEL_*` variables.
    """

    def __init__(self, processor: SpanProcessor | None = None) -> None:
        self._provider = TracerProvider(resource=gateway_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("modegate", version("modegate"))
        self._propagator = TraceContextTextMapPropagator()
        self._open: dict[str, Span] = {}

    def start(self, record: RequestRecord, headers: Mapping[bytes, bytes]) -> None:
        """Begins the span of a request, as a child of the client's span if it names one."""
        carrier = {
            name: value.decode("latin-1")
            for name in ("traceparent", "tracestate")
            if (value := headers.get(name.encode())) is not None
        }
        context = self._propagator.extract(carrier, Context())
        span = self._tracer.start_span(record.method, context, kind=SpanKind.SERVER)
        own: dict[str, str] = {}
        self._propagator.inject(own, set_span_in_context(span))
        record.traceparent = own["traceparent"]
        self._open[record.traceparent] = span

    def observe(self, record: RequestRecord) -> None:
        """Ends the spans of a request."""
        span = self._open.pop(record.traceparent or "", None)
        if span is None or record.route in UNTRACED:  # one that does not end is not exported
            return
        end = time.time_ns()
        if span.is_recording():
            span.update_name(f"{record.method} {record.route}" if record.route else record.method)
            span.set_attributes(request_attributes(record))
            if is_failed(record):
                span.set_status(Status(StatusCode.ERROR))
            if record.backend_began is not None:
                began = end - int((record.started + record.seconds - record.backend_began) * NANO)
                self._trace_backend(record, set_span_in_context(span), began, end)
        span.end(end)

    async def aclose(self) -> None:
        """Exports what is left; waits at most for the exporter's own time limit."""
        await asyncio.to_thread(self._provider.shutdown)

    def _trace_backend(self, record: RequestRecord, context: Context, began: int, end: int) -> None:
        """Makes a span for each attempt, which follow one another, or for the turn."""
        for attempt in record.attempts or ():
            until = min(end, began + int(attempt.seconds * NANO))
            self._trace_attempt(record, attempt, context, (began, until))
            began = until
        if record.attempts and record.status >= FIRST_ERROR:
            return  # the last attempt failed, too
        is_turn = record.mode == Mode.CLAUDE_CODE
        span = self._tracer.start_span(
            generation_name(record),
            context,
            kind=SpanKind.INTERNAL if is_turn else SpanKind.CLIENT,
            attributes=generation_attributes(record),
            start_time=began,
        )
        if record.error is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def _trace_attempt(
        self,
        record: RequestRecord,
        attempt: FailedAttempt,
        context: Context,
        times: tuple[int, int],
    ) -> None:
        span = self._tracer.start_span(
            generation_name(record),
            context,
            kind=SpanKind.CLIENT,
            attributes=attempt_attributes(record, attempt),
            start_time=times[0],
        )
        span.set_status(Status(StatusCode.ERROR))
        span.end(times[1])
