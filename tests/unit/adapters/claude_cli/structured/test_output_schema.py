from typing import Any

import pytest

from modegate.adapters.claude_cli.structured.output_schema import OutputSchema
from modegate.domain.errors import InvalidRequestError, SchemaValidationError
from modegate.domain.structured.output_format import OutputFormat

NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def schema(value: dict[str, Any]) -> OutputSchema:
    return OutputSchema(OutputFormat(value))


def test_a_valid_document_is_compact_json_in_its_own_order() -> None:
    document = {"name": "é", "b": [1, 2.5, None]}
    assert schema(NAME).document(document) == '{"name":"é","b":[1,2.5,null]}'
    assert schema({"type": "array"}).document({"value": [True]}) == "[true]"
    assert OutputSchema(OutputFormat()).document({}) == "{}"


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (NAME, {}),
        (NAME, {"name": 1}),
        ({"type": "array"}, [1]),
        ({"type": "object", "properties": {"a": {"pattern": "^(?=b)"}}}, {"a": "c"}),
        ({"type": "object", "properties": {"a": {"prefixItems": [{"type": "null"}]}}}, {"a": [1]}),
        # An engine with backtracking does not end; one with lookaround gives up.
        ({"type": "object", "properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 5000 + "b"}),
        (
            {"type": "object", "properties": {"a": {"pattern": "^(?=(a+)+$)(a+)+$"}}},
            {"a": "a" * 5000 + "b"},
        ),
    ],
)
def test_documents_that_are_not_valid_are_refused(value: dict[str, Any], document: object) -> None:
    with pytest.raises(SchemaValidationError):
        schema(value).document(document)


@pytest.mark.parametrize(
    "value",
    [
        {"type": "nonsense"},
        {"properties": []},
        {"pattern": "("},
        {"$ref": "#/$defs/none"},
        {"$schema": "http://127.0.0.1:9/meta.json"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicRef": "#x"},
    ],
)
def test_what_is_no_json_schema_is_an_invalid_request_that_quotes_nothing(
    value: dict[str, Any],
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        schema(value)
    assert caught.value.param == "response_format"
    assert "nonsense" not in str(caught.value)
