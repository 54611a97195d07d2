"""What a chat-completions request may hold, from the rules that screen it."""

import json
import re
from collections.abc import Mapping

from modegate.application.prepare_turn import MAX_MODEL_CHARACTERS
from modegate.domain.conversation import (
    MAX_MESSAGE_CHARACTERS,
    MAX_MESSAGES,
    TEXT_PARTS,
    Role,
)
from modegate.domain.model_map import PREFIX_MARK, ModelMap
from modegate.domain.param_policy import Kind, Rule, Tier
from modegate.entrypoints.http.openapi.schema import NULL, Schema

KINDS: Mapping[Kind, Schema] = {
    Kind.ANY: {},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.COUNT: {"type": "integer", "minimum": 1},
    Kind.LIST: {"type": "array"},
    Kind.OBJECT: {"type": "object"},
}
NAMED = "named in `X-Claude-Ignored-Params`"
SAID: Mapping[Tier, str] = {
    Tier.HONOURED: "Honoured.",
    Tier.IGNORED: f"Accepted without effect, and {NAMED}.",
    Tier.REFUSED: "Refused with `unsupported_parameter`; passthrough has it.",
}


def claude_code_request(rules: Mapping[str, Rule], models: ModelMap) -> Schema:
    """The body that Claude Code takes: what fits is answered, what does not is refused."""
    shapes = {
        "model": model(models),
        "messages": messages(),
        "stream": {"type": ["boolean", "null"], "default": False},
        "stream_options": {
            "type": ["object", "null"],
            "properties": {"include_usage": {"type": ["boolean", "null"]}},
        },
    }
    return {
        "type": "object",
        "description": (
            "A request to Claude Code. A value of null counts as absent; names that are not here "
            f"are accepted without effect, and {NAMED}."
        ),
        "required": ["model", "messages"],
        "properties": {
            name: parameter(rule) | shapes.get(name, {}) for name, rule in rules.items()
        },
    }


def passthrough_request() -> Schema:
    """The body that is handed on; only the model's length is looked at."""
    return {
        "type": "object",
        "description": (
            "A request to the upstream: it goes there byte for byte, with whatever parameters the "
            "upstream knows."
        ),
        "properties": {
            # What is no string is the upstream's to judge.
            "model": {"minLength": 1, "maxLength": MAX_MODEL_CHARACTERS}
        },
    }


def parameter(rule: Rule) -> Schema:
    """One parameter of Claude Code by its rule."""
    described = {"description": _described(rule), "x-claude-code": rule.tier.name.lower()}
    if rule.tier is Tier.REFUSED:
        return NULL | described
    if rule.only and rule.otherwise is Tier.REFUSED:
        return {"anyOf": [*map(_like, rule.only), NULL]} | described
    kind = KINDS[rule.kind]
    return ({"anyOf": [kind, NULL]} if kind else {}) | described


def _described(rule: Rule) -> str:
    if not rule.only:
        return SAID[rule.tier]
    values = ", ".join(f"`{json.dumps(value)}`" for value in rule.only)
    return f"{values}: {SAID[rule.tier]} Any other value: {SAID[rule.otherwise]}"


def _like(value: object) -> Schema:
    if not isinstance(value, Mapping):
        return {"const": value}
    return {
        "type": "object",
        "required": list(value),
        "properties": {name: _like(item) for name, item in value.items()},
    }


def model(models: ModelMap) -> Schema:
    """The names of the model map, and the prefixes that stand for many."""
    prefixes = [name for name in models.rows if name.endswith(PREFIX_MARK)]
    patterns = [f"^{re.escape(name.removesuffix(PREFIX_MARK))}" for name in prefixes]
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_MODEL_CHARACTERS,
        "anyOf": [{"enum": list(models.names)}, *({"pattern": it} for it in patterns)],
    }


def messages() -> Schema:
    """The conversation within its bounds."""
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_MESSAGES,
        "items": {
            "anyOf": [
                _message([Role.USER], _text({"pattern": r"\S"}, _holds_a_word())),
                _message([Role.ASSISTANT], {"anyOf": [_text(), NULL]}, needs_content=False),
                _message([Role.SYSTEM, Role.DEVELOPER, Role.TOOL], _text()),
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


def _text(string: Schema | None = None, parts: Schema | None = None) -> Schema:
    """A text, or its parts; all parts of a message together keep the bound too."""
    bound = {"type": "string", "maxLength": MAX_MESSAGE_CHARACTERS}
    return {
        "anyOf": [
            bound | (string or {}),
            {"type": "array", "items": {"anyOf": [*map(_part, TEXT_PARTS)]}} | (parts or {}),
        ]
    }


def _part(kind: str, **bounds: object) -> Schema:
    return {
        "type": "object",
        "required": ["type", kind],
        "properties": {"type": {"const": kind}, kind: {"type": "string", **bounds}},
    }


def _holds_a_word() -> Schema:
    return {"contains": {"anyOf": [_part(kind, pattern=r"\S") for kind in TEXT_PARTS]}}
