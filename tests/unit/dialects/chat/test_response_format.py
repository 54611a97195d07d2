from typing import Any

import pytest

from modegate.dialects.chat.response_format import parse_response_format
from modegate.dialects.output_schema import MAX_SCHEMA_BYTES
from modegate.domain.errors import InvalidRequestError
from modegate.domain.structured.output_format import OutputFormat

ANY_OBJECT = OutputFormat({"type": "object"})


def named(schema: object, **fields: object) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, **fields}}


@pytest.mark.parametrize(
    ("value", "output"),
    [
        (None, None),
        ({}, None),
        ({"type": None}, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, ANY_OBJECT),
        ({"type": "json_schema"}, ANY_OBJECT),
        ({"type": "json_schema", "json_schema": {"name": "n"}}, ANY_OBJECT),
        (named(None), ANY_OBJECT),
        (named({"type": "array"}, strict=True), OutputFormat({"type": "array"})),
        (named({"type": "array"}, strict=False), OutputFormat({"type": "array"})),
    ],
)
def test_the_format_is_a_schema(value: object, output: OutputFormat | None) -> None:
    assert parse_response_format(value) == output


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"not": schema}
    return schema


def chain(links: int, each: int) -> dict[str, Any]:
    """Returns definitions of which each one refers `each` times to the next."""
    refers = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * each} for n in range(links)}
    return {"$ref": "#/$defs/a0", "$defs": refers | {f"a{links}": {}}}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (False, "one of the types text"),
        ("json_object", "one of the types text, json_object, json_schema"),
        ([{"type": "text"}], "one of the types"),
        ({"json_schema": {"name": "n"}}, "one of the types"),
        ({"type": None, "json_schema": 1}, "one of the types"),
        ({"type": ["text"]}, "one of the types"),
        ({"type": "json_schema", "json_schema": "{}"}, "is not in an object"),
        ({"type": "grammar"}, "one of the types text, json_object, json_schema"),
        (named([]), "is no object"),
        (named("{}"), "is no object"),
        (named({"description": "x" * MAX_SCHEMA_BYTES}), "longer than 256 KiB"),
        (named(nested(100)), "nested more than 64 levels"),
        (named({"properties": {"a": {"$ref": "http://127.0.0.1:9/a.json"}}}), "outside of itself"),
        (named({"$ref": "file:///etc/passwd"}), "outside of itself"),
        (named({"$ref": "other.json#/a"}), "outside of itself"),
        (named(chain(24, 2)), "too many subschemas"),
        (named(chain(5000, 1)), "too many subschemas"),
    ],
)
def test_schemas_beyond_the_limits_are_invalid(value: object, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem) as caught:
        parse_response_format(value)
    assert caught.value.param == "response_format"


@pytest.mark.parametrize(
    "schema",
    [
        nested(60),
        chain(10, 2),
        {"$ref": "#"},
        {
            "$ref": "#/$defs/a~1b",
            "$defs": {"a/b": {"allOf": [{"$ref": "#/allOf/0"}]}},
            "allOf": [{}],
        },
        {"$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"},
    ],
)
def test_recursive_and_nested_schemas_are_within_the_limits(schema: dict[str, Any]) -> None:
    assert parse_response_format(named(schema)) == OutputFormat(schema)
