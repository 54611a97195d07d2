"""Metrics of requests to backends, by the semantic conventions for generative AI.

Names, units and boundaries of buckets are those of the conventions, which are still in development.
"""

import asyncio
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

from modegate.adapters.opentelemetry.attributes import (
    FIRST_ERROR,
    OPERATIONS,
    metric_attributes,
)
from modegate.adapters.opentelemetry.resource import gateway_resource
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.model_labels import ModelLabels

FLUSH_TIMEOUT_MS = 10_000
DURATION_S = tuple(0.01 * 2**power for power in range(14))
FIRST_TOKEN_S = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
    *(0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
TOKENS = tuple(4**power for power in range(14))
OTHER = "other"


class GenerationMetrics:
    """Records every request that reached a backend, and exports the metrics in the background.

    Without a `reader`, metrics are sent with OTLP over HTTP; the SDK reads the `OTEL_*` variables.
    """

    def __init__(self, reader: MetricReader | None = None) -> None:
        reader = reader or PeriodicExportingMetricReader(OTLPMetricExporter())
        self._provider = MeterProvider(
            [reader], resource=gateway_resource(), shutdown_on_exit=False
        )
        meter = self._provider.get_meter("modegate", version("modegate"))
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=DURATION_S,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._first_token = meter.create_histogram(
            "gen_ai.server.time_to_first_token",
            "s",
            "Time to generate first token for successful responses.",
            explicit_bucket_boundaries_advisory=FIRST_TOKEN_S,
        )
        self._models = ModelLabels()

    def observe(self, record: RequestRecord) -> None:
        """Records one request; a no-op if no backend was asked, or the operation has no name."""
        if record.backend_began is None or record.route not in OPERATIONS:
            return
        attributes = metric_attributes(record, self._model(record))
        seconds = max(0.0, record.started + record.seconds - record.backend_began)
        if record.error is None:
            self._duration.record(seconds, attributes)
            if record.first_token is not None:
                self._first_token.record(record.first_token, attributes)
        else:
            self._duration.record(seconds, attributes | {"error.type": record.error})
        usage = record.usage
        if usage is not None and not usage.estimated:  # the conventions want real counts
            self._tokens.record(usage.prompt_tokens, attributes | {"gen_ai.token.type": "input"})
            if usage.completion_tokens:  # embeddings have none
                output = attributes | {"gen_ai.token.type": "output"}
                self._tokens.record(usage.completion_tokens, output)

    async def aclose(self) -> None:
        """Exports what is left; waits at most `FLUSH_TIMEOUT_MS`."""
        await asyncio.to_thread(self._provider.shutdown, FLUSH_TIMEOUT_MS)

    def _model(self, record: RequestRecord) -> str:
        is_accepted = record.status < FIRST_ERROR
        find = self._models.admit if is_accepted else self._models.known
        return find(record.model) or OTHER
