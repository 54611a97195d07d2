"""Schemas of clients' keys in the admin API."""

from modegate.application.keys.fields import MAX_COUNT, MAX_MODELS, MAX_NAME_CHARACTERS, MAX_TOKENS
from modegate.domain.access.client_key import KeySource, KeyState
from modegate.domain.budgets.window import Period
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.http.admin.keys import DEFAULT_GRACE_S, MAX_GRACE_S
from modegate.entrypoints.http.openapi.schemas.schema import (
    NULL,
    STRING,
    Schema,
    list_of,
    object_of,
    ref,
)

NUMBER: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_COUNT}
TIME: Schema = {
    "type": ["integer", "null"],
    "minimum": 0,
    "description": "Unix seconds; null if it does not apply.",
}


def schemas() -> Schema:
    """Returns the schemas."""
    key = object_of(
        id=STRING,
        object={"const": "api_key"},
        masked=STRING,
        source={"enum": [str(it) for it in KeySource]},
        state={"enum": [str(it) for it in KeyState]},
        **_rules(TIME),
        created_at=TIME,
        revoked_at=TIME,
        old_secret_until=TIME | {"description": "The end of the last secret's grace."},
    )
    secret = STRING | {"description": "Shown in this answer only."}
    changes = {
        "type": "object",
        "properties": _rules({"type": ["string", "integer", "null"]}),
        "additionalProperties": False,
    }
    grace = {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_GRACE_S}
    return {
        "Key": key,
        "KeyList": object_of(object={"const": "list"}, data=list_of(ref("Key"))),
        "KeyWithSecret": key
        | {"required": [*key["required"], "secret"]}
        | {"properties": key["properties"] | {"secret": secret}},
        "KeyChange": changes,
        "NewKey": changes | {"required": ["name"]},
        "KeyRotation": {
            "type": "object",
            "properties": {"grace_seconds": grace | {"default": DEFAULT_GRACE_S}},
            "additionalProperties": False,
        },
    }


def _rules(time: Schema) -> Schema:
    models = {**list_of(STRING), "minItems": 1, "maxItems": MAX_MODELS}
    modes = {**list_of({"enum": [str(it) for it in Mode]}), "minItems": 1}
    usd = {"type": ["number", "null"], "exclusiveMinimum": 0}
    budget = {
        "type": "object",
        "properties": {
            "usd": usd,
            "tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_TOKENS},
            "period": {"enum": [*(str(it) for it in Period), None]},
        },
        "additionalProperties": False,
    }
    return {
        "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS},
        "enabled": {"type": ["boolean", "null"]},
        "models": {"anyOf": [models, NULL]},
        "modes": {"anyOf": [modes, NULL]},
        "mode": {
            "enum": [*(str(it) for it in Mode), None],
            "description": "The mode of requests whose headers and model's name say none.",
        },
        "expires_at": time,
        "rpm": NUMBER,
        "tpm": NUMBER,
        "concurrency": NUMBER,
        "budget": {"anyOf": [budget, NULL]},
    }
