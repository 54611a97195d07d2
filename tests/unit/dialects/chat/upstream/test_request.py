"""Requests to upstreams that speak chat completions."""

import json
from dataclasses import replace
from typing import Any

import pytest

from modegate.dialects.chat.dialect import ChatDialect
from modegate.dialects.chat.upstream.dialect import COMPATIBLE_CHAT, OPENAI_CHAT, ChatUpstream
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
from modegate.domain.conversation.runs import GrowingRuns, RunKind
from modegate.domain.conversation.thought import Thought
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import DEFAULT_MEDIA
from modegate.domain.parameters.param_policy import Effort, ParamPolicy
from modegate.domain.structured.output_format import OutputFormat
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer
from modegate.domain.tools.free_text import free_text_tool

QUESTION = text_message(Role.USER, "Hi.")
ASKED = GenerationRequest(model="asked", conversation=Conversation((QUESTION,)))
PNG = ImagePart("image/png", b"png")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
GET = ClientTool("get", "Gets.", SCHEMA, strict=True)
NOW = ClientTool("now")
PATCH = free_text_tool("patch", "Patches.", "start: /.+/")


def body(asked: GenerationRequest, dialect: ChatUpstream = COMPATIBLE_CHAT) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dialect.request(asked, "m", 8192))
    return found


def messages(*said: Message, dialect: ChatUpstream = COMPATIBLE_CHAT) -> list[dict[str, Any]]:
    asked = replace(ASKED, conversation=Conversation(said))
    found: list[dict[str, Any]] = body(asked, dialect)["messages"]
    return found


def test_a_request_has_nothing_that_was_not_asked_for() -> None:
    assert body(ASKED) == {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}


@pytest.mark.parametrize(
    ("dialect", "name"),
    [(OPENAI_CHAT, "max_completion_tokens"), (COMPATIBLE_CHAT, "max_tokens")],
)
def test_settings_have_the_names_of_the_api(dialect: ChatUpstream, name: str) -> None:
    asked = replace(ASKED, streamed=True, max_tokens=7, stop=("a", "b"), effort=Effort.MAX)
    assert body(asked, dialect).items() >= {
        ("stream", True),
        (name, 7),
        ("reasoning_effort", "xhigh"),
    }
    assert body(asked, dialect)["stop"] == ["a", "b"]


def test_no_reasoning_is_the_default() -> None:
    assert "reasoning_effort" not in body(replace(ASKED, effort=Effort.NONE))
    passed = replace(ASKED, effort=Effort.NONE, passed={"reasoning_effort": "none"})
    assert body(passed)["reasoning_effort"] == "none"


def test_only_known_parameters_are_passed() -> None:
    passed = {"temperature": 0.5, "top_k": 3, "verbosity": "low", "new": 1}
    asked = replace(ASKED, passed=passed)
    assert body(asked, OPENAI_CHAT).items() >= {("temperature", 0.5), ("verbosity", "low")}
    assert not {"top_k", "new"} & body(asked, OPENAI_CHAT).keys()
    assert not {"verbosity", "new"} & body(asked).keys()


def test_an_output_is_a_response_format() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert body(replace(ASKED, output=OutputFormat()))["response_format"] == {"type": "json_object"}
    assert body(replace(ASKED, output=OutputFormat(schema)))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }


def test_tools_are_functions() -> None:
    told = body(replace(ASKED, tools=ToolOffer((GET, NOW, PATCH), parallel=False)))
    assert [it["function"]["name"] for it in told["tools"]] == ["get", "now", "patch"]
    assert told["tools"][0] == {
        "type": "function",
        "function": {
            "name": "get",
            "description": "Gets.",
            "parameters": GET.parameters,
            "strict": True,
        },
    }
    assert told["tools"][1]["function"] == {
        "name": "now",
        "parameters": {"type": "object", "properties": {}},
    }
    assert told["tools"][2]["function"]["parameters"] == PATCH.parameters
    assert told["parallel_tool_calls"] is False
    assert "tool_choice" not in told


@pytest.mark.parametrize(
    ("calling", "names", "choice", "offered"),
    [
        (Calling.NONE, None, "none", ["get", "now"]),
        (Calling.REQUIRED, None, "required", ["get", "now"]),
        (Calling.AUTO, {"now"}, None, ["now"]),
        (Calling.REQUIRED, {"get", "now"}, "required", ["get", "now"]),
        (
            Calling.REQUIRED,
            {"now"},
            {"type": "function", "function": {"name": "now"}},
            ["now"],
        ),
    ],
)
def test_a_choice_limits_the_tools(
    calling: Calling, names: set[str] | None, choice: object, offered: list[str]
) -> None:
    wanted = None if names is None else frozenset(names)
    told = body(replace(ASKED, tools=ToolOffer((GET, NOW), calling, wanted)))
    assert told.get("tool_choice") == choice
    assert [it["function"]["name"] for it in told["tools"]] == offered


def test_the_first_system_messages_are_one() -> None:
    said = (
        text_message(Role.SYSTEM, "A."),
        text_message(Role.DEVELOPER, "B."),
        QUESTION,
        text_message(Role.DEVELOPER, "C."),
        QUESTION,
    )
    assert [(it["role"], it["content"]) for it in messages(*said, dialect=OPENAI_CHAT)] == [
        ("system", "A.\n\nB."),
        ("user", "Hi."),
        ("system", "C."),
        ("user", "Hi."),
    ]
    assert [(it["role"], it["content"]) for it in messages(*said)] == [
        ("system", "A.\n\nB."),
        ("user", "Hi.\n\nC."),
        ("user", "Hi."),
    ]


def test_a_system_message_after_an_answer_is_told_by_the_user() -> None:
    answer, rule = text_message(Role.ASSISTANT, "Yes."), text_message(Role.SYSTEM, "C.")
    assert [it["role"] for it in messages(QUESTION, answer, rule)] == ["user", "assistant", "user"]


def test_results_follow_their_calls_and_what_they_show_follows_them() -> None:
    calls = (ToolCall("1", "get", '{"a": "b"}'), ToolCall("2", "now", ""))
    said = (
        QUESTION,
        Message(Role.ASSISTANT, (), calls),
        text_message(Role.USER, "Before."),
        Message(Role.TOOL, (TextPart("x"), PNG), call_id="1"),
        Message(Role.TOOL, (), call_id="2", is_error=True),
        text_message(Role.ASSISTANT, "Done."),
    )
    assert messages(*said)[1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "1",
                    "type": "function",
                    "function": {"name": "get", "arguments": '{"a": "b"}'},
                },
                {"id": "2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": "The tool failed."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What the tools showed:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
            ],
        },
        {"role": "user", "content": "Before."},
        {"role": "assistant", "content": "Done."},
    ]


def test_a_result_without_its_call_is_told_by_the_user() -> None:
    lost = Message(Role.TOOL, (TextPart("x"),), call_id="9")
    assert messages(QUESTION, lost)[1:] == [{"role": "user", "content": "x"}]


def test_images_and_files_are_parts() -> None:
    pdf = FilePart("application/pdf", b"pdf", "a.pdf")
    text = FilePart("text/plain", b"words", "a.txt")
    linked = LinkedImage("https://host/a.png", "messages[0]")
    (told,) = messages(Message(Role.USER, (TextPart("See:"), PNG, linked, pdf, text)))
    assert told["content"] == [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
        {"type": "image_url", "image_url": {"url": "https://host/a.png"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,cGRm"},
        },
        {"type": "text", "text": "a.txt:\nwords"},
    ]


def test_the_dialect_of_clients_reads_the_same_request() -> None:
    """What is sent means the same again to the parser of this gateway's own clients."""
    calls = (ToolCall("1", "get", "{}"),)
    said = (
        text_message(Role.SYSTEM, "Be brief."),
        QUESTION,
        Message(Role.ASSISTANT, (TextPart("Wait."),), calls),
        Message(Role.TOOL, (TextPart("x"),), call_id="1"),
    )
    asked = replace(
        ASKED,
        model="m",
        conversation=Conversation(said),
        tools=ToolOffer((GET,), Calling.REQUIRED, parallel=False),
        max_tokens=9,
        stop=("a",),
        effort=Effort.LOW,
        streamed=True,
    )
    parsed = ChatDialect().parse(body(asked), ParamPolicy(), DEFAULT_MEDIA)
    assert replace(parsed, names={}) == asked


def test_an_answer_that_goes_on_after_its_calls_is_one_message() -> None:
    first, second = (ToolCall(it, "get", "{}") for it in ("a", "b"))
    told = messages(
        QUESTION,
        Message(Role.ASSISTANT, (TextPart("One."),), (first,)),
        Message(Role.ASSISTANT, (TextPart("Two."),), (second,)),
        Message(Role.TOOL, (TextPart("1"),), call_id="a"),
        Message(Role.TOOL, (TextPart("2"),), call_id="b"),
    )
    assert [it["role"] for it in told] == ["user", "assistant", "tool", "tool"]
    assert told[1]["content"] == "One.\n\nTwo."
    assert [it["id"] for it in told[1]["tool_calls"]] == ["a", "b"]


def test_what_is_said_between_calls_is_a_paragraph() -> None:
    runs = GrowingRuns()
    for kind, size in ((RunKind.TEXT, 4), (RunKind.CALL, 1), (RunKind.TEXT, 4)):
        runs.add(kind, size)
    parts = (TextPart("One."), TextPart("Two."))
    answer = Message(Role.ASSISTANT, parts, (ToolCall("a", "get", "{}"),), runs=runs.runs)
    assert messages(QUESTION, answer)[1]["content"] == "One.\n\nTwo."


def test_an_answer_that_says_nothing_is_left_out() -> None:
    silent = Message(Role.ASSISTANT, thoughts=(Thought("Hm."),))
    told = messages(QUESTION, silent, QUESTION, text_message(Role.ASSISTANT, " "), QUESTION)
    assert [it["role"] for it in told] == ["user"] * 3
