"""Builds the OpenAPI document."""

from modegate.dialects.model_lists import openai_model
from modegate.domain.routing.listed_model import claude_model
from modegate.entrypoints.http.messages.errors import FRAMEWORK
from modegate.entrypoints.http.openapi import (
    admin,
    admin_control,
    admin_keys,
    chat,
    errors,
    messages,
    models,
    operations,
    sessions,
    usage,
)
from modegate.entrypoints.http.openapi.headers import (
    ALWAYS,
    ANSWERED,
    LISTED,
    OF_MESSAGES,
    OF_REFUSALS,
    WITH_STATUS,
)
from modegate.entrypoints.http.openapi.inputs import Facts
from modegate.entrypoints.http.openapi.page import POLICY
from modegate.entrypoints.http.openapi.relayed import relayed_paths
from modegate.entrypoints.http.openapi.responses import refusal
from modegate.entrypoints.http.openapi.schemas import answers, json_patterns, keys, requests
from modegate.entrypoints.http.openapi.schemas.schema import Schema

ABOUT = (
    "One OpenAI-compatible endpoint with two backends: passthrough to an upstream, and Claude "
    "Code. Every error is OpenAI's error object, and its message says what to do. Every endpoint "
    "with GET also answers HEAD."
)
KEY = "Authorization: Bearer KEY, only for the gateway: it never reaches the upstream."


def build_document(facts: Facts) -> Schema:
    """Returns the OpenAPI 3.1 document of a gateway."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "modegate",
            "version": facts.version,
            "summary": "One OpenAI-compatible endpoint in front of the OpenAI API and Claude Code.",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(facts),
        "components": _components(facts),
    }


def _paths(facts: Facts) -> Schema:
    key: list[Schema] = [{"key": []}] if facts.wants_key else []
    token: list[Schema] = [{"metrics_token": []}] if facts.wants_metrics_token else []
    listed = [openai_model(claude_model(facts.models, name)) for name in facts.models.names]
    return {
        "/v1/chat/completions": {"post": chat.chat_completions(facts.max_body, key)},
        "/v1/models": {"get": models.models(list(listed), key)},
        "/v1/models/{model}": {"get": models.model(listed[0], key)},
        **messages.paths(facts.max_json, key),
        **relayed_paths(key),
        "/v1/sessions": {"get": sessions.sessions(key)},
        "/v1/sessions/{session_id}": sessions.one_session(key),
        "/v1/usage": {"get": usage.own_usage(key)},
        "/health": {"get": operations.health(facts.version)},
        "/live": {"get": operations.live()},
        "/metrics": {"get": operations.metrics(token)},
        "/openapi.json": {"get": operations.openapi()},
        "/docs": {"get": operations.docs(POLICY)},
        **(_admin_paths() if facts.has_admin else {}),
    }


def _admin_paths() -> Schema:
    return admin.paths() | admin_keys.paths() | admin_control.paths()


def _admin_schemas() -> Schema:
    return admin.schemas() | keys.schemas() | admin_control.schemas()


def _components(facts: Facts) -> Schema:
    told = errors.examples(facts.models, facts.max_body)
    meanings = errors.meanings()
    with_status = {
        name: header
        for found in (*WITH_STATUS.values(), OF_REFUSALS)
        for name, header in found.items()
    }
    return {
        "schemas": {
            "ClaudeCodeRequest": requests.claude_code_request(facts.rules, facts.models),
            "PassthroughRequest": requests.passthrough_request(),
            json_patterns.EMPTY_NAME: json_patterns.empty(),
            "Error": errors.schema(),
            "UpstreamError": {"description": "The upstream's own error, unchanged."},
            **answers.schemas(),
            **messages.schemas(),
            **models.schemas(),
            **usage.schemas(),
            **(_admin_schemas() if facts.has_admin else {}),
        },
        "headers": {**ALWAYS, **ANSWERED, **OF_MESSAGES, **LISTED, **with_status},
        "examples": {
            code: {"summary": meanings[code], "value": value} for code, value in told.items()
        },
        "responses": {code: refusal(status, [code]) for status, (code, _) in FRAMEWORK.items()},
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": KEY},
            "metrics_token": {"type": "http", "scheme": "bearer"},
            **(admin.security_schemes() if facts.has_admin else {}),
        },
    }
