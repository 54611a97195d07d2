"""The format of a response as the format of a chat completion."""

import json
from typing import Any

import pytest

from modegate.dialects.chat.upstream.dialect import COMPATIBLE_CHAT, OPENAI_CHAT, ChatUpstream
from modegate.dialects.responses.generation import parse_generation

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def sent(form: Any, dialect: ChatUpstream = OPENAI_CHAT) -> Any:
    asked = parse_generation({"model": "m", "input": "Hi", "text": {"format": form}})
    return json.loads(dialect.request(asked, "m", 8192))["response_format"]


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, COMPATIBLE_CHAT])
@pytest.mark.parametrize(
    "named",
    [
        {"name": "town", "strict": True, "description": "A town."},
        {"name": "town", "strict": False},
        {"name": "town"},
    ],
)
def test_a_format_keeps_its_name_and_whether_it_is_strict(
    dialect: ChatUpstream, named: Any
) -> None:
    form = {"type": "json_schema", "schema": SCHEMA, **named}
    found = {"type": "json_schema", "json_schema": {"schema": SCHEMA, **named}}
    assert sent(form, dialect) == found


@pytest.mark.parametrize("odd", [{"name": 7, "strict": "yes", "description": None}, {}])
def test_what_is_no_such_value_is_left_out(odd: Any) -> None:
    form = {"type": "json_schema", "schema": SCHEMA, **odd}
    assert sent(form)["json_schema"] == {"name": "answer", "schema": SCHEMA}


def test_any_object_has_no_name() -> None:
    assert sent({"type": "json_object", "name": "town"}) == {"type": "json_object"}
