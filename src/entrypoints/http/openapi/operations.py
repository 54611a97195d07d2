"""Describes health, metrics and the document itself."""

from modegate.domain import errors
from modegate.entrypoints.http.openapi import examples
from modegate.entrypoints.http.openapi.headers import REQUEST_ID
from modegate.entrypoints.http.openapi.responses import JSON, answer, json_of, refusals
from modegate.entrypoints.http.openapi.schemas.schema import Schema
from modegate.entrypoints.http.resources.health import LIVE
from modegate.entrypoints.http.resources.metrics import CONTENT_TYPE


def health(version: str) -> Schema:
    """Describes `GET /health`."""
    at_work = {status: examples.health(version, status) for status in ("unavailable", "draining")}
    return _open("getHealth", "Health check", "Reports which backends can work.") | {
        "responses": {
            **refusals((), always_open=True),
            "200": answer(
                "At least one backend can work.",
                json_of("Health", ready=examples.health(version, "ready")),
            ),
            "503": answer(
                "No backend can work, or the gateway is shutting down.",
                json_of("Health", **at_work),
                status=503,
            ),
        },
    }


def live() -> Schema:
    """Describes `GET /live`."""
    return _open("getLive", "Liveness check", "Succeeds also during shutdown.") | {
        "responses": {
            "200": answer("The process runs.", json_of("Live", live=LIVE)),
            **refusals((), always_open=True),
        },
    }


def metrics(security: list[Schema]) -> Schema:
    """Describes `GET /metrics`."""
    media_type = CONTENT_TYPE.partition(";")[0]
    text = {media_type: {"schema": {"type": "string"}}}
    kinds = (errors.MissingKeyError, errors.InvalidKeyError)
    return _open("getMetrics", "Prometheus metrics", "In the Prometheus text format.", security) | {
        "responses": {
            "200": answer("The metrics.", text),
            **refusals(kinds, always_open=True),
        },
    }


def openapi() -> Schema:
    """Describes `GET /openapi.json`."""
    content = {JSON: {"schema": {"type": "object", "required": ["openapi", "info", "paths"]}}}
    return _open("getOpenApi", "OpenAPI document", "This document, in OpenAPI 3.1.") | {
        "responses": {"200": answer("The document.", content), **refusals(())},
    }


def docs(policy: str) -> Schema:
    """Describes `GET /docs`, whose content security policy allows its inline style."""
    page = answer("The page.", {"text/html": {"schema": {"type": "string"}}})
    page["headers"] = {
        **page["headers"],
        "Content-Security-Policy": {"required": True, "schema": {"const": policy}},
    }
    return _open("getDocs", "API reference page", "One HTML page, without scripts.") | {
        "responses": {"200": page, **refusals(())},
    }


def _open(
    name: str, summary: str, description: str, security: list[Schema] | None = None
) -> Schema:
    return {
        "operationId": name,
        "tags": ["Gateway"],
        "summary": summary,
        "description": description,
        "security": security or [],
        "parameters": [REQUEST_ID],
    }
