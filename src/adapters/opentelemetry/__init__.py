"""Traces for OpenTelemetry: the extra `modegate[otel]`."""
