from typing import Any

import pytest

from modegate.adapters.claude_cli.structured.cli_schema import CliSchema

STRING = {"type": "string"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
        {"type": "object", "properties": {"c": {"type": "array", "items": {"$ref": "#"}}}},
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/n"}},
            "$defs": {"n": {"anyOf": [{"type": "null"}, {"enum": ["x", 1]}]}},
            "additionalProperties": False,
        },
        {"type": "object", "properties": {"p": {"type": "string", "pattern": r"^\d{4}-(?:a|b)$"}}},
        {"type": "object", "properties": {"pattern": STRING, "$schema": STRING, "x-y": STRING}},
    ],
)
def test_ordinary_schemas_of_objects_reach_the_cli_unchanged(schema: dict[str, Any]) -> None:
    assert CliSchema.of(schema) == CliSchema(schema, wrapped=False)


@pytest.mark.parametrize(
    ("schema", "value", "defined"),
    [
        ({"type": "array", "items": STRING}, {"type": "array", "items": STRING}, {}),
        (
            {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#"}], "$defs": {"a": STRING}},
            {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/properties/value"}]},
            {"$defs": {"a": STRING}},
        ),
        (
            {"$ref": "#/definitions/a", "definitions": {"a": {"type": "object"}}},
            {"$ref": "#/definitions/a"},
            {"definitions": {"a": {"type": "object"}}},
        ),
        ({}, {}, {}),
    ],
)
def test_a_root_that_may_be_no_object_is_wrapped(
    schema: dict[str, Any], value: dict[str, Any], defined: dict[str, Any]
) -> None:
    cli = CliSchema.of(schema)
    assert cli.schema == {
        "type": "object",
        "properties": {"value": value},
        "required": ["value"],
        "additionalProperties": False,
        **defined,
    }
    assert cli.unwrap({"value": [1]}) == [1]
    assert cli.unwrap("x") is None


def test_a_schema_with_properties_alone_is_one_of_objects() -> None:
    cli = CliSchema.of({"properties": {"a": STRING}})
    assert cli == CliSchema({"type": "object", "properties": {"a": STRING}}, wrapped=False)


@pytest.mark.parametrize(
    ("keyword", "told"),
    [
        ({"prefixItems": [STRING]}, '{"prefixItems": [{"type": "string"}]}'),
        ({"nullable": True, "example": "é"}, '{"nullable": true, "example": "é"}'),
        ({"pattern": r"(?<=a)\Z"}, r'{"pattern": "(?<=a)\\Z"}'),
        (
            {"patternProperties": {"^a": STRING}},
            '{"patternProperties": {"^a": {"type": "string"}}}',
        ),
        ({"items": [STRING]}, '{"items": [{"type": "string"}]}'),
    ],
)
@pytest.mark.parametrize("description", [None, "A name."])
def test_keywords_that_the_cli_takes_not_are_described(
    keyword: dict[str, Any], told: str, description: str | None
) -> None:
    described = {} if description is None else {"description": description}
    schema = {"type": "object", "properties": {"a": {**described, **keyword, "$comment": "c"}}}
    said = f"JSON Schema: {told}"
    cli = CliSchema.of(schema)
    assert cli.schema == {
        "type": "object",
        "properties": {"a": {"description": f"{description}\n{said}" if description else said}},
    }


def test_the_schemas_own_addresses_are_dropped() -> None:
    addresses = {"$schema": "http://json-schema.org/draft-04/schema#", "$id": "https://a.example/"}
    assert CliSchema.of({**addresses, "type": "object"}).schema == {"type": "object"}
