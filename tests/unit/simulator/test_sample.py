from typing import Any

import jsonschema_rs
import pytest

from modegate.simulator.provider import structured_answer
from modegate.simulator.sample import sample_of

TREE = {"$ref": "#/$defs/tree"}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "string", "minLength": 12, "maxLength": 13},
        {"type": "string", "format": "date"},
        {"type": ["integer", "null"], "minimum": 5},
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "number", "maximum": -2},
        {"type": "array", "items": {"enum": ["x"]}, "minItems": 2},
        {"const": None},
        {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        {
            "allOf": [
                {"properties": {"a": {"type": "null"}}, "required": ["a"]},
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
            ],
            "type": "object",
        },
        {
            "$defs": {"tree": {"type": "object", "properties": {"next": TREE}, "required": []}},
            **TREE,
        },
        {
            "$defs": {
                "list": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/list"}, {"type": "null"}]}},
                    "required": ["next"],
                }
            },
            "$ref": "#/$defs/list",
        },
    ],
)
def test_a_sample_is_valid_against_its_schema(schema: dict[str, Any]) -> None:
    assert jsonschema_rs.is_valid(schema, sample_of(schema))


def test_a_demanded_document_is_answered_in_each_api() -> None:
    schema = {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}
    tool = {"name": "StructuredOutput", "input_schema": schema}
    by_tool = structured_answer({"tools": [{"name": "other"}, tool]})
    named = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    by_format = structured_answer({"response_format": named})
    assert by_tool is not None
    assert by_format is not None
    assert (
        (by_tool.text, by_tool.tool)
        == (by_format.text, "StructuredOutput")
        == ('{"a": 1}', "StructuredOutput")
    )
    assert structured_answer({"tools": [{"name": "other"}], "response_format": None}) is None
