"""`GET /v1/models` and `GET /v1/models/{model}`."""

import json

from modegate.entrypoints.http.openapi.error_sets import ADMISSION, UPSTREAM
from modegate.entrypoints.http.openapi.headers import LISTED, REQUEST_ID
from modegate.entrypoints.http.openapi.responses import (
    HANDED_ON,
    OURS_OR_THE_UPSTREAMS,
    answer,
    json_of,
    refusals,
)
from modegate.entrypoints.http.openapi.schemas.schema import STRING, Schema, list_of
from modegate.entrypoints.http.resources.models import no_such_model

INCLUDE: Schema = {
    "name": "include",
    "in": "query",
    "description": (
        "`upstream` requires a key, also where the list is open. Other values are ignored."
    ),
    "schema": list_of(STRING),
    "example": ["upstream"],
}


def models(listed: list[object], security: list[Schema]) -> Schema:
    """Describes `GET /v1/models`."""
    return {
        "operationId": "listModels",
        "tags": ["Models"],
        "summary": "List models",
        "description": (
            "The models of Claude Code and of the upstreams. Names with `claude-code/` lead to Claude "
            "Code without a header; they are listed where other names do not. Without a key, a gateway "
            "with keys lists only the models of Claude Code. A key with rules sees what it may use. "
            "If an upstream's list fails, a header reports it. With `anthropic-version` or "
            "`client_version`, the list has the form of Anthropic or Codex; with the first, errors "
            "have Anthropic's form, too."
        ),
        "security": [{}, *security],
        "parameters": [INCLUDE, REQUEST_ID],
        "responses": {
            "200": answer(
                "The models.",
                json_of("ModelList", models={"object": "list", "data": listed}),
                headers=LISTED,
            ),
            **refusals(ADMISSION),
        },
    }


def model(example: object, security: list[Schema]) -> Schema:
    """Describes `GET /v1/models/{model}`."""
    described = models([], security)
    missing = json_of("Error", model_not_found=json.loads(no_such_model()))
    return described | {
        "operationId": "getModel",
        "summary": "Look up a model",
        "description": "Any model name, for Claude Code also one that only matches a prefix.",
        "parameters": [
            {
                "name": "model",
                "in": "path",
                "required": True,
                "description": "It may contain slashes.",
                "schema": {"type": "string", "minLength": 1},
                "example": "sonnet",
            },
            INCLUDE,
            REQUEST_ID,
        ],
        "responses": {
            **refusals((*ADMISSION, *UPSTREAM), OURS_OR_THE_UPSTREAMS),
            "default": answer(HANDED_ON, {"*/*": {}}),
            "200": answer("The model.", json_of("Model", model=example)),
            "404": answer("`model_not_found`.", missing, status=404),
        },
    }
