"""Requests to Anthropic's API, judged by the types of its own SDK."""

import base64
import json
from itertools import pairwise
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParams
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from modegate.dialects.messages.generation import parse_generation
from modegate.dialects.messages.upstream.dialect import MessagesUpstream
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedImage,
    Message,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.structured.output_format import OutputFormat
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer

UPSTREAM = MessagesUpstream()
REQUEST: TypeAdapter[Any] = TypeAdapter(MessageCreateParams)
HI = text_message(Role.USER, "Hi")
GET = ClientTool("get", "Gets.", {"type": "object", "properties": {"city": {"type": "string"}}})
PUT = ClientTool("put")


def body_of(*messages: Message, **fields: Any) -> dict[str, Any]:
    asked = GenerationRequest(model="m", conversation=Conversation(messages), **fields)
    body: dict[str, Any] = json.loads(UPSTREAM.request(asked, "claude-sonnet-5-5", 8192))
    REQUEST.validate_python(body)
    return body


def test_a_plain_request_has_only_what_the_api_demands() -> None:
    assert body_of(HI) == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert UPSTREAM.path == "/v1/messages"


def test_parameters_have_anthropics_names() -> None:
    passed = {"temperature": 1.7, "top_p": 0.9, "top_k": 4, "user": "u-1", "seed": 7}
    body = body_of(HI, max_tokens=9, stop=("END",), streamed=True, passed=passed)
    del body["messages"], body["model"]
    assert body == {
        "max_tokens": 9,
        "stop_sequences": ["END"],
        "stream": True,
        "temperature": 1.0,
        "top_p": 0.9,
        "top_k": 4,
        "metadata": {"user_id": "u-1"},
    }


@pytest.mark.parametrize("effort", [*Effort, None])
def test_a_model_that_is_to_think_gets_no_sampling_parameters(effort: Effort | None) -> None:
    passed = {"temperature": 0.5, "top_p": 0.9, "top_k": 4, "user": "u-1", "seed": 7}
    asked = GenerationRequest(
        model="m", conversation=Conversation((HI,)), effort=effort, passed=passed
    )
    body = body_of(HI, effort=effort, passed=passed)
    thinks = effort not in (None, Effort.NONE)
    sampling = set() if thinks else {"temperature", "top_p", "top_k"}
    assert body.keys() & {"temperature", "top_p", "top_k"} == sampling
    assert body["metadata"] == {"user_id": "u-1"}
    assert UPSTREAM.passes(asked) == sampling | {"user"}


def test_system_messages_are_one_text_and_sides_take_turns() -> None:
    body = body_of(
        text_message(Role.SYSTEM, "Be brief."),
        HI,
        text_message(Role.USER, "there"),
        text_message(Role.ASSISTANT, ""),
        text_message(Role.DEVELOPER, "Be kind."),
        text_message(Role.USER, "  "),
        text_message(Role.ASSISTANT, "Yes?"),
        text_message(Role.USER, "Go."),
    )
    assert body["system"] == "Be brief.\n\nBe kind."
    told = [(it["role"], [block["text"] for block in it["content"]]) for it in body["messages"]]
    assert told == [("user", ["Hi", "there"]), ("assistant", ["Yes?"]), ("user", ["Go."])]


def test_images_and_documents() -> None:
    parts = (
        TextPart("See"),
        ImagePart("image/png", b"\x89PNG"),
        LinkedImage("https://images.example/a.png", "messages[0]"),
        FilePart("application/pdf", b"%PDF", "a.pdf"),
        FilePart("text/plain", "Grüße".encode()),
    )
    content = body_of(Message(Role.USER, parts))["messages"][0]["content"]
    assert content[1]["source"] == {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(b"\x89PNG").decode(),
    }
    assert content[2]["source"] == {"type": "url", "url": "https://images.example/a.png"}
    assert (content[3]["title"], content[3]["source"]["media_type"]) == ("a.pdf", "application/pdf")
    assert content[4] == {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"},
    }


def test_calls_and_results_with_errors_and_images() -> None:
    picture = (TextPart("Seen."), ImagePart("image/png", b"\x89PNG"))
    body = body_of(
        HI,
        Message(Role.ASSISTANT, (TextPart("Wait."),), (ToolCall("toolu_1", "get", '{"a": 1}'),)),
        text_message(Role.USER, "And?"),
        Message(Role.TOOL, picture, call_id="toolu_1"),
        Message(Role.ASSISTANT, calls=(ToolCall("toolu_2", "get", "[1]"),)),
        Message(Role.TOOL, call_id="toolu_2", is_error=True),
    )
    _, answer, results, again, failed = body["messages"]
    assert answer["content"][1] == {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "get",
        "input": {"a": 1},
    }
    assert [it["type"] for it in results["content"]] == ["tool_result", "text"]
    assert [it["type"] for it in results["content"][0]["content"]] == ["text", "image"]
    assert again["content"][0]["input"] == {"arguments": [1]}
    assert failed["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True}
    ]


def test_ids_that_the_api_rejects_are_replaced_in_calls_and_results() -> None:
    body = body_of(
        HI,
        Message(Role.ASSISTANT, calls=(ToolCall("a:0", "get", ""), ToolCall("b", "put", ""))),
        Message(Role.TOOL, call_id="b"),
        Message(Role.TOOL, call_id="a:0"),
        Message(Role.ASSISTANT, calls=(ToolCall("", "get", ""), ToolCall("b", "put", ""))),
        Message(Role.FUNCTION, name="get"),
        Message(Role.TOOL, call_id="b"),
        Message(Role.TOOL, (TextPart("Lost."),), call_id="none"),
    )
    turns = body["messages"]
    first, second = ([it["id"] for it in turns[i]["content"]] for i in (1, 3))
    assert first == ["call_0", "b"]
    assert len({*first, *second}) == 4
    assert [it["tool_use_id"] for it in turns[2]["content"]] == ["b", "call_0"]
    *results, lost = turns[4]["content"]
    assert [it["tool_use_id"] for it in results] == second
    assert lost == {"type": "text", "text": "Lost."}


@pytest.mark.parametrize(
    ("offer", "names", "choice"),
    [
        (ToolOffer((GET, PUT)), ["get", "put"], None),
        (ToolOffer((GET, PUT), Calling.NONE), ["get", "put"], {"type": "none"}),
        (ToolOffer((GET, PUT), Calling.REQUIRED), ["get", "put"], {"type": "any"}),
        (
            ToolOffer((GET, PUT), Calling.REQUIRED, frozenset({"put"})),
            ["get", "put"],
            {"type": "tool", "name": "put"},
        ),
        (ToolOffer((GET, PUT), Calling.AUTO, frozenset({"put"})), ["put"], None),
        (
            ToolOffer((GET,), parallel=False),
            ["get"],
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_tools_and_which_of_them_may_be_called(
    offer: ToolOffer, names: list[str], choice: object
) -> None:
    body = body_of(HI, tools=offer)
    assert [it["name"] for it in body["tools"]] == names
    assert all(it["input_schema"]["type"] == "object" for it in body["tools"])
    assert body.get("tool_choice") == choice


def test_effort_is_adaptive_thinking_where_the_api_allows_it() -> None:
    assert body_of(HI, effort=Effort.NONE)["thinking"] == {"type": "disabled"}
    shown = body_of(HI, effort=Effort.HIGH)
    assert shown["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert shown["output_config"] == {"effort": "high"}
    hidden = body_of(HI, effort=Effort.LOW, shows_reasoning=False)
    assert hidden["thinking"]["display"] == "omitted"
    demanded = body_of(HI, effort=Effort.LOW, tools=ToolOffer((GET,), Calling.REQUIRED))
    assert "thinking" not in demanded


def test_a_format_is_reduced_to_what_the_api_takes() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "Years."},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 1},
            "at": {"oneOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        },
        "required": ["age"],
        "$defs": {"tag": {"type": "object", "properties": {"x": {"type": "string"}}}},
    }
    body = body_of(HI, output=OutputFormat(schema))
    told = body["output_config"]["format"]["schema"]
    assert told["additionalProperties"] is False
    assert told["$defs"]["tag"]["additionalProperties"] is False
    assert told["properties"]["age"] == {
        "type": "integer",
        "description": "Years.\n\n{minimum: 0}",
    }
    assert told["properties"]["tags"]["minItems"] == 1
    assert told["properties"]["at"] == {
        "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]
    }
    assert told["required"] == ["age"]


def test_any_object_is_an_instruction() -> None:
    body = body_of(text_message(Role.SYSTEM, "Be brief."), HI, output=OutputFormat())
    assert "output_config" not in body
    assert body["system"].startswith("Be brief.\n\nAnswer with one JSON object")


TEXTS = st.text(min_size=1, max_size=9).filter(lambda it: it.strip() and "\ud800" not in it)
SAID = st.one_of(
    TEXTS.map(lambda it: text_message(Role.USER, it)),
    TEXTS.map(lambda it: text_message(Role.ASSISTANT, it)),
    st.tuples(TEXTS, TEXTS).map(
        lambda it: Message(Role.ASSISTANT, (TextPart(it[0]),), (ToolCall(it[1], "get", "{}"),))
    ),
    st.tuples(TEXTS, st.booleans()).map(
        lambda it: Message(Role.TOOL, (TextPart(it[0]),), call_id=it[0], is_error=it[1])
    ),
)


@given(st.lists(SAID, min_size=1, max_size=12))
def test_any_conversation_alternates_and_is_read_again(messages: list[Message]) -> None:
    body = body_of(HI, *messages)
    roles = [it["role"] for it in body["messages"]]
    assert all(a != b for a, b in pairwise(roles))
    assert all(it["content"] for it in body["messages"])
    told = json.dumps(body["messages"])
    for message in messages:
        assert json.dumps(message.text)[1:-1] in told
    asked = parse_generation(body)
    calls = sum(len(it.calls) for it in messages)
    assert sum(len(it.calls) for it in asked.conversation.messages) == calls
