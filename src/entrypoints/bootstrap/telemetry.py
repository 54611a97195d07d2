"""Traces and metrics for a collector of OpenTelemetry, if the environment names one."""

import asyncio
import importlib
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from modegate.domain.request_record import RequestRecord

# Imported only if there is a collector: it is an extra, and takes 0.3 s.
ADAPTER = "modegate.adapters.opentelemetry"

log = logging.getLogger(__name__)


class Telemetry(Protocol):
    """Observes requests, and exports what it has observed."""

    def observe(self, record: RequestRecord) -> None:
        """Handles a request that has ended."""
        ...

    async def aclose(self) -> None:
        """Exports what is left."""
        ...


class Tracing(Telemetry, Protocol):
    """Traces requests from their start to their end."""

    def start(self, record: RequestRecord, headers: Mapping[bytes, bytes]) -> None:
        """Begins the trace of a request."""
        ...


def tracing(environment: Mapping[str, str]) -> Tracing | None:
    """Returns the tracing if the environment names a collector, and the extra is installed."""
    if not _has_collector(environment, "TRACES"):
        return None
    try:
        found: Tracing = importlib.import_module(f"{ADAPTER}.tracing").Tracing()
    except ModuleNotFoundError:
        log.warning("no traces: they need the extra modegate[otel]")
        return None
    return found


def generation_metrics(environment: Mapping[str, str]) -> Telemetry | None:
    """Returns the metrics if the environment names a collector, and the extra is installed."""
    if not _has_collector(environment, "METRICS"):
        return None
    try:
        found: Telemetry = importlib.import_module(f"{ADAPTER}.metrics").GenerationMetrics()
    except ModuleNotFoundError:
        log.warning("no metrics for a collector: they need the extra modegate[otel]")
        return None
    return found


async def close_telemetry(parts: Sequence[Telemetry]) -> None:
    """Exports what is left of all parts at once, because each may wait for a collector."""
    await asyncio.gather(*(it.aclose() for it in parts))


def _has_collector(environment: Mapping[str, str], signal: str) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get(f"OTEL_{signal}_EXPORTER", "").lower() == "none":
        return False
    return any(
        environment.get(name)
        for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    )
