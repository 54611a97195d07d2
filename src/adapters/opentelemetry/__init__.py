"""Traces and metrics for OpenTelemetry: the extra `modegate[otel]`."""
