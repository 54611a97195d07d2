"""Requests for a message, as Claude Code, the SDK and others send them."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pictures import PDF, PNG

from modegate.dialects.messages.generation import parse_counted, parse_generation
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedFile,
    LinkedImage,
    Message,
    Role,
    TextPart,
    ToolCall,
)
from modegate.domain.errors import PayloadTooLargeError, RequestError
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.tools.client_tool import Calling

HI = {"role": "user", "content": "Hi"}
FOUND = {
    "type": "search_result",
    "source": "https://docs.example/a",
    "title": "A page",
    "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}],
    "citations": {"enabled": True},
}
TOOL = {"name": "get", "description": "Gets.", "input_schema": {"type": "object"}}


def body(*messages: object, **params: object) -> dict[str, object]:
    return {"model": "sonnet", "max_tokens": 99, "messages": list(messages) or [HI], **params}


def parsed(*messages: object, **params: object) -> Any:
    return parse_generation(body(*messages, **params))


def refusal(*messages: object, **params: object) -> tuple[str, object]:
    with pytest.raises(RequestError) as caught:
        parsed(*messages, **params)
    return caught.value.code, caught.value.param


def text(kind: str, said: str) -> dict[str, str]:
    return {"type": kind, "text": said}


def test_the_system_prompt_is_text_or_blocks_and_may_stand_among_the_messages() -> None:
    asked = parsed(
        HI,
        {"role": "system", "content": [text("text", "Late.")]},
        system=[
            text("text", "x-anthropic-billing-header: cc_version=2.1.329;"),
            text("text", "Be brief.") | {"cache_control": {"type": "ephemeral"}},
        ],
    )
    told = [(it.role, it.text) for it in asked.conversation.messages]
    assert told == [("system", "Be brief."), ("user", "Hi"), ("system", "Late.")]
    assert asked.ignored == ("cache_control",)
    assert parsed(system="One.").conversation.messages[0].text == "One."


def test_calls_and_results_become_messages_of_their_own() -> None:
    asked = parsed(
        HI,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                text("text", "I look."),
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "tool_use", "id": "a", "name": "get", "input": {"n": 1}},
                {"type": "tool_use", "id": "b", "name": "get", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "is_error": True,
                    "content": [text("text", "No.")],
                },
                text("text", "Go on."),
            ],
        },
    )
    _, assistant, first, second = asked.conversation.messages
    assert assistant.text == "I look."
    assert assistant.calls == (ToolCall("a", "get", '{"n":1}'), ToolCall("b", "get", "{}"))
    assert first == Message(Role.TOOL, (TextPart("1"),), call_id="a")
    assert (second.call_id, second.is_error, second.text) == ("b", True, "No.\n\nGo on.")


def test_an_empty_result_and_text_before_results_are_kept() -> None:
    result = {"type": "tool_result", "tool_use_id": "a"}
    _, said, empty = parsed(
        HI, {"role": "user", "content": [text("text", "So:"), result]}
    ).conversation.messages
    assert (said.role, said.text) == (Role.USER, "So:")
    assert (empty.role, empty.parts) == (Role.TOOL, ())


def test_tools_are_offered_and_those_of_anthropics_servers_are_named() -> None:
    asked = parsed(
        tools=[
            TOOL,
            TOOL | {"name": "own", "type": "custom", "strict": True},
            {"type": "web_search_20250305", "name": "web_search"},
            TOOL | {"name": "DeferredToolPlaceholder", "defer_loading": True},
        ],
        tool_choice={"type": "tool", "name": "get", "disable_parallel_tool_use": True},
    )
    assert [it.name for it in asked.tools.tools] == ["get", "own"]
    assert asked.tools.tools[1].strict
    assert asked.ignored_tools == ("web_search",)
    assert (asked.tools.calling, asked.tools.parallel) == (Calling.REQUIRED, False)
    assert asked.tools.callable == {"get"}


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        (None, Calling.AUTO),
        ({"type": "auto"}, Calling.AUTO),
        ({"type": "any"}, Calling.REQUIRED),
        ({"type": "none"}, Calling.NONE),
    ],
)
def test_a_choice_applies_to_all_tools(choice: object, calling: Calling) -> None:
    offer = parsed(tools=[TOOL], tool_choice=choice).tools
    assert (offer.calling, offer.callable, offer.parallel) == (calling, None, True)


@pytest.mark.parametrize(
    ("params", "effort", "shows"),
    [
        ({}, None, False),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, None, False),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, Effort.MAX, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, None, True),
        ({"thinking": {"type": "disabled"}}, Effort.NONE, False),
    ],
)
def test_thinking_and_effort(params: dict[str, object], effort: object, *, shows: bool) -> None:
    asked = parsed(**params)
    assert (asked.effort, asked.shows_reasoning) == (effort, shows)


def test_what_has_no_effect_is_named_and_unknown_fields_are_accepted() -> None:
    asked = parsed(
        tools=[TOOL | {"cache_control": {"type": "ephemeral"}}],
        metadata={"user_id": "u"},
        stop_sequences=["x"],
        temperature=1,
        context_management={"edits": []},
        thinking={"type": "enabled", "budget_tokens": 2048},
        output_config={"effort": "odd"},
        mcp_servers=[],
        stream=True,
    )
    assert (asked.streamed, asked.max_tokens, asked.stop) == (True, 99, ("x",))
    assert asked.ignored == (
        "metadata",
        "temperature",
        "context_management",
        "mcp_servers",
        "thinking.budget_tokens",
        "output_config.effort",
        "cache_control",
    )


USER = "user"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("x", "messages[0]"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "tool", "content": "x"}, "messages[0].role"),
        ({"role": USER}, "messages[0].content"),
        ({"role": USER, "content": 1}, "messages[0].content"),
        ({"role": USER, "content": " "}, "messages[0]"),
        ({"role": USER, "content": []}, "messages[0]"),
        ({"role": USER, "content": [{"type": "odd"}]}, "messages[0].content[0]"),
        ({"role": USER, "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": USER, "content": [{"type": "image"}]}, "messages[0].content[0].source"),
        (
            {"role": USER, "content": [{"type": "tool_result"}]},
            "messages[0].content[0].tool_use_id",
        ),
        ({"role": USER, "content": [{"type": ["text"]}]}, "messages[0].content[0]"),
        ({"role": USER, "content": [FOUND | {"title": 1}]}, "messages[0].content[0].title"),
        ({"role": USER, "content": [FOUND | {"source": None}]}, "messages[0].content[0].source"),
        ({"role": USER, "content": [FOUND | {"content": "x"}]}, "messages[0].content[0].content"),
        (
            {"role": USER, "content": [FOUND | {"content": [FOUND]}]},
            "messages[0].content[0].content[0]",
        ),
        (
            {"role": USER, "content": [{"type": "tool_reference", "tool_name": "get"}]},
            "messages[0].content[0]",
        ),
        ({"role": USER, "content": [{"type": "container_upload"}]}, "messages[0].content[0]"),
        ({"role": "assistant", "content": [FOUND]}, "messages[0].content[0]"),
        ({"role": "assistant", "content": [{"type": "tool_use"}]}, "messages[0].content[0].id"),
        ({"role": "assistant", "content": "Hi"}, "messages"),
        ({"role": USER, "content": "x" * 500_001}, "messages[0].content"),
    ],
)
def test_an_invalid_message_is_refused_by_its_place(message: object, param: str) -> None:
    assert refusal(message)[1] == param


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"model": None}, "missing_required_parameter", "model"),
        ({"max_tokens": None}, "missing_required_parameter", "max_tokens"),
        ({"max_tokens": 0}, "invalid_request", "max_tokens"),
        ({"messages": None}, "missing_required_parameter", "messages"),
        ({"messages": []}, "invalid_request", "messages"),
        ({"stream": 1}, "invalid_request", "stream"),
        ({"stop_sequences": "x"}, "invalid_request", "stop_sequences"),
        ({"stop_sequences": ["x", " "]}, "invalid_request", "stop_sequences"),
        ({"system": 1}, "invalid_request", "system"),
        *(({"temperature": it}, "invalid_request", "temperature") for it in (1.5, -1, "0", True)),
        *(({"top_p": it}, "invalid_request", "top_p") for it in (1.5, -1, "0")),
        *(({"top_k": it}, "invalid_request", "top_k") for it in (1.5, -1, "0")),
        ({"service_tier": 1}, "invalid_request", "service_tier"),
        ({"metadata": "u"}, "invalid_request", "metadata"),
        ({"metadata": {"user_id": 7}}, "invalid_request", "metadata.user_id"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": "x"}},
            "invalid_request",
            "thinking.budget_tokens",
        ),
        (
            {"thinking": {"type": "adaptive", "display": "odd"}},
            "invalid_request",
            "thinking.display",
        ),
        ({"output_config": {"effort": 3}}, "invalid_request", "output_config.effort"),
        ({"thinking": {"type": "odd"}}, "invalid_request", "thinking.type"),
        ({"thinking": []}, "invalid_request", "thinking"),
        ({"output_config": {"format": {}}}, "invalid_request", "output_config.format"),
        ({"output_config": {"format": 1}}, "invalid_request", "output_config.format"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"$ref": "http://x"}}}},
            "invalid_request",
            "output_config.format",
        ),
        ({"tools": [TOOL] * 2}, "invalid_request", "tools"),
        (
            {"tools": [TOOL | {"name": f"t{i}"} for i in range(129)]},
            "invalid_request",
            "tools",
        ),
        ({"tools": [TOOL | {"name": "a b"}]}, "invalid_request", "tools[0].name"),
        ({"mcp_servers": [{"url": "x"}]}, "unsupported_parameter", "mcp_servers"),
        ({"thread": {"type": "create"}}, "unsupported_parameter", "thread"),
        ({"tools": {}}, "invalid_request", "tools"),
        ({"tools": [1]}, "invalid_request", "tools[0]"),
        ({"tools": [{}]}, "invalid_request", "tools[0].name"),
        ({"tools": [{"name": "x"}]}, "invalid_request", "tools[0].input_schema"),
        ({"tools": [TOOL | {"description": 1}]}, "invalid_request", "tools[0].description"),
        ({"tool_choice": "auto"}, "invalid_request", "tool_choice"),
        ({"tool_choice": {"type": "odd"}}, "invalid_request", "tool_choice.type"),
        ({"tool_choice": {"type": "any"}}, "invalid_request", "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool"}},
            "invalid_request",
            "tool_choice.name",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "web_search"}},
            "unsupported_parameter",
            "tool_choice",
        ),
    ],
)
def test_an_invalid_parameter_is_refused(params: Any, code: str, param: str) -> None:
    assert refusal(**params) == (code, param)


def test_counting_needs_no_maximum() -> None:
    assert parse_counted(body(max_tokens=None)).model == "sonnet"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "id", "name", "input", "tool_use_id"]
            ),
            inner | st.sampled_from(["user", "assistant", "text", "tool_use", "tool_result"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3), JSON, JSON)
def test_any_json_is_parsed_or_refused(messages: Any, tools: Any, choice: Any) -> None:
    try:
        asked = parsed(*messages, tools=tools, tool_choice=choice)
    except RequestError:
        return
    assert any(it.role is Role.USER for it in asked.conversation.messages)


def source(kind: str, **fields: object) -> dict[str, object]:
    return {"type": kind, **fields}


def block(kind: str, given: dict[str, object], **fields: object) -> dict[str, object]:
    return {"type": kind, "source": given, **fields}


IN_BASE64 = source("base64", media_type="image/gif", data=base64.b64encode(PNG).decode())
PDF_IN_BASE64 = source("base64", media_type="application/pdf", data=base64.b64encode(PDF).decode())


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (block("image", IN_BASE64), [ImagePart("image/png", PNG)]),
        (
            block("document", PDF_IN_BASE64, title="report.pdf"),
            [FilePart("application/pdf", PDF, "report.pdf")],
        ),
        (
            block("document", source("text", media_type="text/plain", data="Notes."), context="C"),
            [TextPart("C"), FilePart("text/plain", b"Notes.")],
        ),
        (
            block(
                "document",
                source("content", content=[text("text", "One."), block("image", IN_BASE64)]),
            ),
            [TextPart("One."), ImagePart("image/png", PNG)],
        ),
        (block("document", source("content", content="One.")), [TextPart("One.")]),
    ],
)
def test_images_and_documents_are_parts_of_messages_and_results(
    given: dict[str, object], parts: list[object]
) -> None:
    said = parsed({"role": "user", "content": [given, text("text", "What?")]})
    assert [*said.conversation.messages[0].parts] == [*parts, TextPart("What?")]
    result = {"type": "tool_result", "tool_use_id": "a", "content": [given]}
    told = parsed(HI, {"role": "user", "content": [result, given]}).conversation.messages[1]
    between = [TextPart("\n\n")] if isinstance(parts[0], TextPart) else []
    assert (told.role, [*told.parts]) == (Role.TOOL, [*parts, *between, *parts])


def test_linked_images_and_documents_are_fetched_from_allowed_hosts_only() -> None:
    url = source("url", url="https://example.com/x")
    asked = {"role": "user", "content": [block("image", url), block("document", url, title="x")]}
    parts = parse_generation(body(asked), MediaPolicy(hosts=("example.com",))).conversation
    assert parts.messages[0].parts == (
        LinkedImage("https://example.com/x", "messages[0].content[0].source"),
        LinkedFile("https://example.com/x", "messages[0].content[1].source", "x"),
    )
    assert refusal(asked) == ("invalid_request", "messages[0].content[0].source")


@pytest.mark.parametrize(
    ("given", "code", "place"),
    [
        (block("image", source("file", file_id="f")), "unsupported_parameter", ".source"),
        (block("document", source("file", file_id="f")), "unsupported_parameter", ".source"),
        (block("image", source("odd")), "invalid_request", ".source"),
        (block("document", source("odd")), "invalid_request", ".source"),
        (block("image", source("base64")), "invalid_request", ".source.data"),
        (block("image", source("base64", data="?")), "invalid_request", ".source"),
        (block("image", PDF_IN_BASE64), "invalid_request", ".source"),
        (block("document", source("content", content=1)), "invalid_request", ".source.content"),
        (
            block("document", source("content", content=[{"type": "document"}])),
            "invalid_request",
            ".source.content[0]",
        ),
    ],
)
def test_media_that_cannot_be_read_are_refused_by_their_place(
    given: dict[str, object], code: str, place: str
) -> None:
    expected = (code, f"messages[0].content[0]{place}")
    assert refusal({"role": "user", "content": [given]}) == expected


def test_media_are_of_users_and_results_and_bounded_together() -> None:
    said = {"role": "assistant", "content": [block("image", IN_BASE64)]}
    assert refusal(HI, said) == ("invalid_request", "messages[1].content[0]")
    asked = {"role": "user", "content": [block("image", IN_BASE64)]}
    with pytest.raises(PayloadTooLargeError):
        parse_generation(body(asked), MediaPolicy(max_bytes=10))


def test_a_schema_is_the_format_of_the_answer() -> None:
    schema = {"type": "object", "properties": {"a": {}}}
    asked = parsed(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert asked.output.schema == schema
    assert parsed(output_config={"effort": "low"}).output is None


def test_citations_are_named_as_ignored() -> None:
    document = block(
        "document", source("text", data="Notes."), citations={"enabled": True}, title="n"
    )
    assert parsed({"role": "user", "content": [document]}).ignored == ("citations",)


TOLD = "A page\nSource: https://docs.example/a\n\nOne.\n\nTwo.\n\n"


def test_search_results_and_references_to_tools_are_told_as_texts() -> None:
    reference = {"type": "tool_reference", "tool_name": "get"}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [FOUND, reference]}
    asked = parsed(
        {"role": "user", "content": [FOUND, text("text", "What does it say?")]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}],
        },
        {"role": "user", "content": [result]},
    )
    user, _, given = asked.conversation.messages
    assert user.text == f"{TOLD}What does it say?"
    assert given.text == f"{TOLD}Tool: get\n\n"
    assert "citations" in asked.ignored
