"""The relayed operations: their bodies and answers are those of the upstream."""

import re
from collections.abc import Mapping

from modegate.domain.routing.operation import Operation
from modegate.domain.routing.operations import OPERATIONS
from modegate.entrypoints.http.messages.request_target import VERSION
from modegate.entrypoints.http.openapi.error_sets import (
    BATCHES,
    KEPT_RESPONSES,
    RELAYED,
    SHARED_STATE,
)
from modegate.entrypoints.http.openapi.errors import codes_by_status
from modegate.entrypoints.http.openapi.headers import ANSWERED, SENT
from modegate.entrypoints.http.openapi.responses import (
    JSON,
    OURS_OR_THE_UPSTREAMS,
    answer,
    refusal,
)
from modegate.entrypoints.http.openapi.schemas.schema import Schema

NAME = re.compile(r"\{(\w+)(?::path)?\}")
ANY = "*/*"
OWN_HEADERS = {name: ANSWERED[name] for name in ("X-Backend-Mode", "X-Upstream-Request-ID")}
OTHERS = "Errors as for chat completions, and any other answer of the upstream, unchanged."
RELAYED_HEADERS = ("X-OpenAI-API-Key", "X-Claude-Code", "X-Request-ID")
PASSED_ON = (
    "Passthrough only: the upstream defines the body, the query and the answer, which are relayed "
    "unchanged and as they arrive."
)
KEPT = (
    " It uses what the upstream keeps for the holder of its key: with the server's key it is "
    "refused, unless the operator shares that."
)


OWN_BATCHES = (
    " In Claude Code mode, for ids that begin with `file-mg_` or `batch_mg_`, and for an upstream that "
    "is configured so, the gateway keeps the files and runs the batches itself, with the bodies and "
    "answers of OpenAI's API."
)
OWN_RESPONSES = (
    " In Claude Code mode, the gateway answers itself, with the bodies and answers of OpenAI's API. For "
    "an upstream without this operation, it is translated."
)
RESPONSES = "/responses"
OF_BATCHES = ("/files", "/batches")


def relayed_paths(security: list[Schema]) -> Mapping[str, Schema]:
    """Describes all relayed operations, by path."""
    return {VERSION + NAME.sub(r"{\1}", it.template): _path_item(it, security) for it in OPERATIONS}


def _path_item(operation: Operation, security: list[Schema]) -> Schema:
    described = {
        method.lower(): _described(operation, method, security)
        for method in sorted(operation.methods)
    }
    names = NAME.findall(operation.template)
    return {**({"parameters": [_parameter(it) for it in names]} if names else {}), **described}


def _described(operation: Operation, method: str, security: list[Schema]) -> Schema:
    is_batch = operation.template.startswith(OF_BATCHES)
    kinds = (
        *RELAYED,
        *((it for it in BATCHES if it not in RELAYED) if is_batch else ()),
        *(KEPT_RESPONSES if operation.template.startswith(RESPONSES) else ()),
        *(SHARED_STATE if operation.keeps_state or operation.is_conversation else ()),
    )
    has_body = {"requestBody": _body(operation)} if method == "POST" else {}
    return {
        "operationId": f"{method.lower()}{_title(operation)}",
        "tags": ["Relayed"],
        "summary": f"Relay {method} {NAME.sub('…', operation.template)}",
        "description": PASSED_ON
        + (KEPT if operation.keeps_state else "")
        + (OWN_BATCHES if is_batch else "")
        + (OWN_RESPONSES if operation.template == RESPONSES else ""),
        "security": security,
        "parameters": [SENT[name] for name in RELAYED_HEADERS],
        **has_body,
        "responses": {
            "200": answer("The upstream's answer.", {ANY: {}}, headers=OWN_HEADERS),
            **{
                str(status): refusal(status, codes, OURS_OR_THE_UPSTREAMS, headers=OWN_HEADERS)
                for status, codes in codes_by_status(kinds).items()
            },
            "default": answer(OTHERS, {ANY: {}}, headers=OWN_HEADERS),
        },
    }


def _body(operation: Operation) -> Schema:
    told = "As the upstream wants it, uncompressed."
    content = {JSON: {"schema": {"type": "object"}}} if operation.needs_json else {ANY: {}}
    return {"required": operation.needs_json, "description": told, "content": content}


def _parameter(name: str) -> Schema:
    told = "The rest of the path, which may contain slashes." if name == "path" else "One segment."
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": told,
        "schema": {"type": "string", "minLength": 1},
    }


def _title(operation: Operation) -> str:
    return "".join(it.title().replace("_", "") for it in re.findall(r"\w+", operation.template))
