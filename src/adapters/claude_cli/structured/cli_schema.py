"""A client's JSON Schema as the CLI and the model's API take it, without I/O.

The CLI checks with Ajv, draft 7, in strict mode. With a keyword that it does not know, or a pattern
that JavaScript does not take, it silently offers no structured output (measured on 2.1.329). Such
keywords move to the description, where the model reads them; the gateway checks them afterwards.
"""

import json
import re
from collections.abc import Mapping

from modegate.domain.turn import Turn
from modegate.lazy_dataclass import dataclass

Schema = Mapping[str, object]

WRAPPED = "value"
DEFINITIONS = ("$defs", "definitions")
MAPPED = frozenset({"properties", *DEFINITIONS})
LISTED = frozenset({"allOf", "anyOf", "oneOf"})
NESTED = frozenset({"additionalProperties", "contains", "not", "propertyNames"})
# These are taken with any value that is valid in JSON Schema.
PLAIN = frozenset(
    {
        *("type", "enum", "const", "required", "title", "description", "default", "examples"),
        *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
        *("minProperties", "maxProperties", "format", "deprecated", "readOnly", "writeOnly"),
    }
)
DROPPED = frozenset({"$schema", "$id", "$comment", "$anchor"})
# A subset of patterns that mean the same in JavaScript, Python and Rust.
PATTERN = re.compile(r"(?:[^\\(]|\((?!\?)|\(\?:|\\[dwsDWS^$.*+?()\[\]{}|/\\])*")


@dataclass(frozen=True, slots=True)
class CliSchema:
    """The schema for the CLI; the document is in the property `value` if it is `wrapped`.

    The API requires an object at the root.
    """

    schema: Schema
    wrapped: bool

    @classmethod
    def of(cls, schema: Schema) -> "CliSchema":
        """Returns the schema for the CLI."""
        root = {"type": "object", **schema} if "properties" in schema else schema
        if root.get("type") == "object":
            return cls(_Rewriter("#").rewrite(root), wrapped=False)
        inner = _Rewriter(f"#/properties/{WRAPPED}").rewrite(root)
        defined = {name: inner.pop(name) for name in DEFINITIONS if name in inner}
        return cls(
            {
                "type": "object",
                "properties": {WRAPPED: inner},
                "required": [WRAPPED],
                "additionalProperties": False,
                **defined,
            },
            wrapped=True,
        )

    def unwrap(self, document: object) -> object:
        """Returns the client's document in what the model wrote."""
        if not self.wrapped:
            return document
        return document.get(WRAPPED) if isinstance(document, Mapping) else None


def schema_of(turn: Turn) -> str | None:
    """Returns the schema that a turn's process needs, as JSON; None without structured output."""
    return None if turn.output is None else json.dumps(CliSchema.of(turn.output.schema).schema)


class _Rewriter:
    """Rewrites schemas whose root moves to the pointer `root`."""

    def __init__(self, root: str) -> None:
        self._root = root

    def rewrite(self, schema: Schema) -> dict[str, object]:
        """Returns the schema with the keywords that the CLI takes, and the others as text."""
        taken: dict[str, object] = {}
        told: dict[str, object] = {}
        for name, value in schema.items():
            if name in DROPPED:
                continue
            rewritten = self._keyword(name, value)
            if rewritten is None:
                told[name] = value
            else:
                taken[name] = rewritten[0]
        if told:
            before = taken.get("description")
            said = f"JSON Schema: {json.dumps(told, ensure_ascii=False)}"
            taken["description"] = f"{before}\n{said}" if isinstance(before, str) else said
        return taken

    def _keyword(self, name: str, value: object) -> tuple[object] | None:
        """Returns the keyword's value for the CLI in a tuple; None if the CLI takes it not."""
        is_safe = name == "pattern" and isinstance(value, str) and PATTERN.fullmatch(value)
        if name in PLAIN or is_safe:
            return (value,)
        if name in MAPPED and isinstance(value, Mapping):
            return ({key: self._schema(it) for key, it in value.items()},)
        if name in LISTED and isinstance(value, list):
            return ([self._schema(it) for it in value],)
        if name in NESTED or (name == "items" and not isinstance(value, list)):
            return (self._schema(value),)
        if name == "$ref" and isinstance(value, str):
            return (self._reference(value),)
        return None

    def _schema(self, value: object) -> object:
        return self.rewrite(value) if isinstance(value, Mapping) else value

    def _reference(self, pointer: str) -> str:
        if pointer.startswith(tuple(f"#/{name}/" for name in DEFINITIONS)):
            return pointer
        return self._root + pointer.removeprefix("#")
