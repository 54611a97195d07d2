"""`GET /v1/models` and `GET /v1/models/{model}`."""

import json

from modegate.dialects.model_pages import AFTER, BEFORE, DEFAULT_LIMIT, LIMIT, MAX_LIMIT
from modegate.entrypoints.http.openapi.error_sets import ADMISSION, UPSTREAM
from modegate.entrypoints.http.openapi.headers import LISTED, OF_MESSAGES, REQUEST_ID, VERSION
from modegate.entrypoints.http.openapi.responses import (
    HANDED_ON,
    JSON,
    OURS,
    OURS_OR_THE_UPSTREAMS,
    answer,
    json_of,
    refusals,
)
from modegate.entrypoints.http.openapi.schemas.schema import (
    OPTIONAL_TEXT,
    STRING,
    Schema,
    list_of,
    object_of,
    ref,
)
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


PAGE = "AnthropicModelPage"
ERRORS: Schema = {"anyOf": [OURS, ref("MessagesError")]}
ANY_ERROR: Schema = {"anyOf": [*OURS_OR_THE_UPSTREAMS["anyOf"], ref("MessagesError")]}
OF_PAGES: tuple[Schema, ...] = (
    {
        "name": LIMIT,
        "in": "query",
        "description": "The most models of a page, with `anthropic-version`.",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_LIMIT,
            "default": DEFAULT_LIMIT,
        },
    },
    {
        "name": AFTER,
        "in": "query",
        "description": "The name of the model before the page, with `anthropic-version`.",
        "schema": STRING,
    },
    {
        "name": BEFORE,
        "in": "query",
        "description": f"The name of the model behind the page; not together with `{AFTER}`.",
        "schema": STRING,
    },
)


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
            "`client_version`, the list has the form of Anthropic or Codex; with the first, it has "
            "pages and only names that begin with `claude`, and errors have Anthropic's form, too."
        ),
        "security": [{}, *security],
        "parameters": [INCLUDE, *OF_PAGES, VERSION, REQUEST_ID],
        "responses": {
            "200": answer(
                "The models.",
                _either(json_of("ModelList", models={"object": "list", "data": listed}), PAGE),
                headers={**LISTED, **OF_MESSAGES},
            ),
            **refusals(ADMISSION, ERRORS, headers=OF_MESSAGES),
        },
    }


def model(example: object, security: list[Schema]) -> Schema:
    """Describes `GET /v1/models/{model}`."""
    described = models([], security)
    missing = json_of("Error", model_not_found=json.loads(no_such_model()))
    found = _either(json_of("Model", model=example), "AnthropicModel")
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
            VERSION,
            REQUEST_ID,
        ],
        "responses": {
            **refusals((*ADMISSION, *UPSTREAM), ANY_ERROR, headers=OF_MESSAGES),
            "default": answer(HANDED_ON, {"*/*": {}}),
            "200": answer("The model.", found, headers=OF_MESSAGES),
            "404": answer(
                "`model_not_found`.",
                _either(missing, "MessagesError"),
                status=404,
                headers=OF_MESSAGES,
            ),
        },
    }


def schemas() -> dict[str, Schema]:
    """Returns the schemas of Anthropic's form."""
    return {
        "AnthropicModel": object_of(
            type={"const": "model"}, id=STRING, display_name=STRING, created_at=STRING
        ),
        PAGE: object_of(
            data=list_of(ref("AnthropicModel")),
            has_more={"type": "boolean"},
            first_id=OPTIONAL_TEXT,
            last_id=OPTIONAL_TEXT,
        ),
    }


def _either(content: dict[str, Schema], other: str) -> dict[str, Schema]:
    """Returns the content with a second schema, that of a request with `anthropic-version`."""
    told = content[JSON]
    return {JSON: {**told, "schema": {"anyOf": [told["schema"], ref(other)]}}}
