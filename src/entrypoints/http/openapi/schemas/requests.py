"""Schemas of a chat completions request, generated from the rules that screen it."""

import re
from collections.abc import Mapping, Sequence

from modegate.dialects.chat.messages import TEXT_PARTS
from modegate.dialects.chat.request import MAX_MODEL_CHARACTERS
from modegate.dialects.output_schema import TYPES
from modegate.domain.conversation.conversation import (
    MAX_MESSAGE_CHARACTERS,
    MAX_MESSAGES,
    MAX_STEPS,
)
from modegate.domain.conversation.message import Role
from modegate.domain.parameters.kinds import GREATEST_PENALTY, HIGHEST_TEMPERATURE, MAX_STOPS, Kind
from modegate.domain.parameters.param_policy import HONOURED, Rule, Tier
from modegate.domain.routing.model_map import PREFIX_MARK, ModelMap
from modegate.entrypoints.http.openapi.schemas.json_patterns import EMPTY_NAME, describe, one_of
from modegate.entrypoints.http.openapi.schemas.schema import NULL, Schema, ref
from modegate.entrypoints.http.openapi.schemas.tools import tool_shapes

KINDS: Mapping[Kind, Schema] = {
    Kind.ANY: {},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.COUNT: {"type": "integer", "minimum": 1},
    Kind.NATURAL: {"type": "integer", "minimum": 0},
    Kind.INTEGER: {"type": "integer"},
    Kind.TEMPERATURE: {"type": "number", "minimum": 0, "maximum": HIGHEST_TEMPERATURE},
    Kind.SHARE: {"type": "number", "minimum": 0, "maximum": 1},
    Kind.PENALTY: {"type": "number", "minimum": -GREATEST_PENALTY, "maximum": GREATEST_PENALTY},
    Kind.TEXT: {"type": "string"},
    Kind.LIST: {"type": "array"},
    Kind.OBJECT: {"type": "object"},
    Kind.STOP: {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "maxItems": MAX_STOPS},
        ]
    },
}
NAMED = "listed in `X-Claude-Ignored-Params`"
SAID: Mapping[Tier, str] = {
    Tier.HONOURED: "Applied.",
    Tier.IGNORED: f"Ignored, and {NAMED}.",
    Tier.REFUSED: "Rejected with `unsupported_parameter`; supported by passthrough.",
}


def claude_code_request(rules: Mapping[str, Rule], models: ModelMap) -> Schema:
    """Returns the schema of a body that Claude Code accepts; other bodies are rejected."""
    shapes = {
        "model": model(models),
        "messages": messages(),
        "stream": {"type": ["boolean", "null"], "default": False},
        "stream_options": {
            "type": ["object", "null"],
            "properties": {"include_usage": {"type": ["boolean", "null"]}},
        },
        "response_format": response_format(),
    }
    if rules.get("tools", HONOURED).tier is Tier.HONOURED:
        shapes |= tool_shapes()
    return {
        "type": "object",
        "description": (
            "A request to Claude Code. A value of null counts as absent; other names are ignored, "
            f"and {NAMED}."
        ),
        "required": ["model", "messages"],
        "properties": {
            name: parameter(rule) | shapes.get(name, {}) for name, rule in rules.items()
        },
    }


def passthrough_request() -> Schema:
    """Returns the schema of a relayed body; only the length of `model` is checked."""
    return {
        "type": "object",
        "description": (
            "A request to the upstream, relayed byte for byte, with all parameters that the "
            "upstream supports."
        ),
        "properties": {
            # The upstream validates values that are not strings.
            "model": {"minLength": 1, "maxLength": MAX_MODEL_CHARACTERS}
        },
    }


def parameter(rule: Rule) -> Schema:
    """Returns the schema of a parameter of Claude Code from its rule."""
    described = {"description": _described(rule), "x-claude-code": rule.tier.name.lower()}
    if rule.tier is Tier.REFUSED:
        return one_of((None, *rule.neutral)) | described
    if rule.only and rule.otherwise is Tier.REFUSED:
        return one_of((None, *rule.only, *rule.neutral)) | described
    kind = KINDS[rule.kind]
    return ({"anyOf": [kind, ref(EMPTY_NAME)]} if kind else {}) | described


def _described(rule: Rule) -> str:
    if rule.tier is Tier.REFUSED:
        neutral = ", ".join(map(describe, rule.neutral))
        return f"{neutral}: {SAID[Tier.IGNORED]} Any other value: {SAID[Tier.REFUSED]}"
    if not rule.only:
        return SAID[rule.tier]
    values = ", ".join(map(describe, rule.only))
    return f"{values}: {SAID[rule.tier]} Any other value: {SAID[rule.otherwise]}"


def model(models: ModelMap) -> Schema:
    """Returns the schema of `model`: the names and prefixes of the model map."""
    prefixes = [name for name in models.rows if name.endswith(PREFIX_MARK)]
    patterns = [f"^{re.escape(name.removesuffix(PREFIX_MARK))}" for name in prefixes]
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_MODEL_CHARACTERS,
        "anyOf": [{"enum": list(models.names)}, *({"pattern": it} for it in patterns)],
    }


def response_format() -> Schema:
    """Returns the schema of `response_format`; that a schema in it is valid cannot be said here."""
    schema = {"type": ["object", "null"], "description": "A JSON Schema."}
    named = {"type": ["object", "null"], "properties": {"schema": schema}}
    return {
        "anyOf": [
            ref(EMPTY_NAME),
            {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"enum": list(TYPES)}, "json_schema": named},
            },
        ]
    }


def messages() -> Schema:
    """Returns the schema of `messages`, with its limits."""
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_MESSAGES + MAX_STEPS,
        "description": f"At most {MAX_MESSAGES}, besides calls of tools and their results.",
        "items": {
            "anyOf": [
                _message([Role.USER], _text({"pattern": r"\S"}, _holds_something(), MEDIA)),
                _message([Role.ASSISTANT], {"anyOf": [_text(), NULL]}, needs_content=False),
                _message(
                    [Role.TOOL, Role.FUNCTION],
                    {"anyOf": [_text(media=MEDIA), NULL]},
                    needs_content=False,
                ),
                _message([Role.SYSTEM, Role.DEVELOPER], _text()),
            ]
        },
        "contains": {"properties": {"role": {"const": Role.USER}}, "required": ["role"]},
    }


def _message(roles: list[Role], content: Schema, *, needs_content: bool = True) -> Schema:
    return {
        "title": " or ".join(roles),
        "type": "object",
        "required": ["role", "content"] if needs_content else ["role"],
        "properties": {"role": {"enum": roles}, "content": content},
    }


def _text(
    string: Schema | None = None, parts: Schema | None = None, media: Sequence[Schema] = ()
) -> Schema:
    """Returns the schema of a text or its parts; the limit also applies to their sum."""
    bound = {"type": "string", "maxLength": MAX_MESSAGE_CHARACTERS}
    return {
        "anyOf": [
            bound | (string or {}),
            {"type": "array", "items": {"anyOf": [*map(_part, TEXT_PARTS), *media]}}
            | (parts or {}),
        ]
    }


def _part(kind: str, **bounds: object) -> Schema:
    return {
        "type": "object",
        "required": ["type", kind],
        "properties": {"type": {"const": kind}, kind: {"type": "string", **bounds}},
    }


def _media_part(kind: str, value: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["type", kind],
        "properties": {"type": {"const": kind}, kind: value},
    }


def _object_with(name: str, description: str) -> Schema:
    value = {"type": "string", "minLength": 1, "description": description}
    return {"type": "object", "required": [name], "properties": {name: value}}


IMAGE_PART = _media_part(
    "image_url",
    {"anyOf": [{"type": "string", "minLength": 1}, _object_with("url", "A data URL in base64.")]},
)
FILE_PART = _media_part("file", _object_with("file_data", "Base64, or a data URL in base64."))
MEDIA = (IMAGE_PART, FILE_PART)


def _holds_something() -> Schema:
    words = (_part(kind, pattern=r"\S") for kind in TEXT_PARTS)
    return {"contains": {"anyOf": [*words, *MEDIA]}}
