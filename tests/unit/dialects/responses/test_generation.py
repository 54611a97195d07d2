"""Requests for a response, as Codex, the SDKs and others send them."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pictures import PDF, PNG

from modegate.dialects.responses.generation import parse_generation
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

USER = {"role": "user", "content": "Hi"}
FUNCTION = {"type": "function", "name": "get", "parameters": {"type": "object"}, "strict": False}
CUSTOM = {
    "type": "custom",
    "name": "patch",
    "description": "Patches.",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
}
NAMESPACE = {"type": "namespace", "name": "agents", "tools": [FUNCTION | {"name": "spawn"}, CUSTOM]}
HOSTED = {"type": "web_search", "external_web_access": True}


SESSION = "3f2c8a10-5b7e-4a51-9d0e-6c1f2b3a4d5e"


def parsed(given: object = "Hi", **params: object) -> Any:
    return parse_generation({"model": "sonnet", "input": given, **params})


def refusal(given: object = "Hi", **params: object) -> tuple[str, object]:
    with pytest.raises(RequestError) as caught:
        parsed(given, **params)
    return caught.value.code, caught.value.param


def test_a_text_and_instructions_are_a_conversation() -> None:
    messages = parsed(instructions="Be brief.").conversation.messages
    assert [(it.role, it.text) for it in messages] == [("system", "Be brief."), ("user", "Hi")]


def test_the_items_of_codex_become_messages_with_calls_and_results() -> None:
    asked = parsed(
        [
            {"type": "message", "role": "developer", "content": [text("input_text", "Rules.")]},
            {
                "type": "message",
                "role": "user",
                "content": [text("input_text", "Do it.")],
                "id": "m",
            },
            {"type": "reasoning", "id": "rs", "summary": [], "content": None},
            {"type": "message", "role": "assistant", "content": [text("output_text", "I look.")]},
            {"type": "web_search_call", "id": "ws", "status": "completed"},
            {"type": "function_call", "id": "fc", "call_id": "a", "name": "get", "arguments": "{}"},
            {
                "type": "function_call",
                "call_id": "b",
                "name": "spawn",
                "namespace": "agents",
                "arguments": '{"n": 1}',
            },
            {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "x"},
            {"type": "function_call_output", "id": "fo", "call_id": "a", "output": "1"},
            {
                "type": "function_call_output",
                "call_id": "b",
                "output": [text("input_text", "2"), text("input_text", "3")],
            },
            {"type": "custom_tool_call_output", "call_id": "c", "output": ""},
            {"type": "function_call", "call_id": "d", "name": "get", "arguments": "{}"},
        ]
    )
    rules, user, said, *results, last = asked.conversation.messages
    assert (rules.role, user.text) == (Role.DEVELOPER, "Do it.")
    assert said.text == "I look."
    assert said.calls == (
        ToolCall("a", "get", "{}"),
        ToolCall("b", "agents__spawn", '{"n": 1}'),
        ToolCall("c", "patch", '{"input":"x"}'),
    )
    assert [(it.role, it.call_id, it.text) for it in results] == [
        (Role.TOOL, "a", "1"),
        (Role.TOOL, "b", "23"),
        (Role.TOOL, "c", ""),
    ]
    assert last == Message(Role.ASSISTANT, calls=(ToolCall("d", "get", "{}"),))


def text(kind: str, said: str) -> dict[str, str]:
    return {"type": kind, "text": said}


def test_messages_need_no_type_and_two_of_the_assistant_stay_two() -> None:
    said = [{"role": "assistant", "content": it} for it in ("One.", "Two.")]
    assert parsed([USER, *said]).conversation.messages == (
        Message(Role.USER, (TextPart("Hi"),)),
        Message(Role.ASSISTANT, (TextPart("One."),)),
        Message(Role.ASSISTANT, (TextPart("Two."),)),
    )


def test_custom_tools_and_namespaces_become_functions_and_hosted_ones_are_named() -> None:
    asked = parsed(tools=[FUNCTION, NAMESPACE, HOSTED], tool_choice="auto")
    get, spawn, patch = asked.tools.tools
    assert [it.name for it in (get, spawn, patch)] == ["get", "agents__spawn", "agents__patch"]
    assert get.strict is False
    assert patch.parameters["required"] == ["input"]
    assert patch.description.startswith("Patches.")
    assert 'start: "x"' in patch.description
    assert asked.ignored_tools == ("web_search",)
    assert parsed(tools=[HOSTED]).tools is None


@pytest.mark.parametrize(
    ("choice", "calling", "names"),
    [
        (None, Calling.AUTO, None),
        ("auto", Calling.AUTO, None),
        ("none", Calling.NONE, None),
        ("required", Calling.REQUIRED, None),
        ({"type": "function", "name": "get"}, Calling.REQUIRED, {"get"}),
        ({"type": "custom", "name": "patch"}, Calling.REQUIRED, {"patch"}),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "get"}, {"type": "web_search"}],
            },
            Calling.AUTO,
            {"get"},
        ),
    ],
)
def test_a_choice_of_tools(choice: object, calling: Calling, names: object) -> None:
    offer = parsed(tools=[FUNCTION, CUSTOM], tool_choice=choice, parallel_tool_calls=False).tools
    assert (offer.calling, offer.callable, offer.parallel) == (calling, names, False)


def test_effort_summary_and_maximum_are_honoured_and_the_rest_is_named_and_repeated() -> None:
    asked = parsed(
        reasoning={"effort": "high", "summary": "auto"},
        max_output_tokens=99,
        include=["reasoning.encrypted_content"],
        text={"verbosity": "low", "format": {"type": "text"}},
        metadata={"a": "b"},
        store=False,
        stream=True,
        prompt_cache_key="k",
        client_metadata={"x": 1},
        truncation="auto",
        background=False,
        user=None,
    )
    assert (asked.effort, asked.max_tokens, asked.streamed) == (Effort.HIGH, 99, True)
    assert asked.shows_reasoning
    assert asked.ignored == (
        "prompt_cache_key",
        "client_metadata",
        "truncation",
        "background",
        "text.verbosity",
    )
    assert asked.echoed["metadata"] == {"a": "b"}
    assert "user" not in asked.echoed
    assert not parsed().shows_reasoning
    assert not asked.is_kept
    assert parsed().is_kept
    assert parsed(include=["x"], reasoning={"effort": "odd"}).ignored == (
        "reasoning.effort",
        "include",
    )


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (1, "input[0]"),
        ({"type": "odd"}, "input[0]"),
        ({"type": "item_reference", "id": "x"}, "input[0]"),
        ({"content": "x"}, "input[0].role"),
        ({"role": "tool", "content": "x"}, "input[0].role"),
        ({"role": "user"}, "input[0].content"),
        ({"role": "user", "content": 1}, "input[0].content"),
        ({"role": "user", "content": " "}, "input[0]"),
        ({"role": "user", "content": [{"type": "odd"}]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"type": "input_image"}]}, "input[0].content[0].image_url"),
        ({"role": "user", "content": "x" * 500_001}, "input[0].content"),
        ({"type": "function_call"}, "input[0].call_id"),
        ({"type": "function_call", "call_id": "a"}, "input[0].name"),
        ({"type": "function_call", "call_id": "a", "name": "b"}, "input[0].arguments"),
        ({"type": "function_call_output"}, "input[0].call_id"),
        ({"type": "function_call_output", "call_id": "a"}, "input[0].output"),
        ({"role": "assistant", "content": "Hi"}, "input"),
    ],
)
def test_an_invalid_item_is_refused_by_its_place(item: object, param: str) -> None:
    assert refusal([item])[1] == param


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"model": None}, "missing_required_parameter", "model"),
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": []}, "invalid_request", "input"),
        ({"instructions": 1}, "invalid_request", "instructions"),
        ({"max_output_tokens": 0}, "invalid_request", "max_output_tokens"),
        ({"reasoning": 1}, "invalid_request", "reasoning"),
        ({"metadata": 1}, "invalid_request", "metadata"),
        ({"include": "x"}, "invalid_request", "include"),
        ({"include": [1]}, "invalid_request", "include"),
        *(({"temperature": it}, "invalid_request", "temperature") for it in (2.5, -1, "0", True)),
        *(({"top_p": it}, "invalid_request", "top_p") for it in (1.5, -1, "0")),
        ({"top_logprobs": -1}, "invalid_request", "top_logprobs"),
        ({"user": 1}, "invalid_request", "user"),
        ({"service_tier": 1}, "invalid_request", "service_tier"),
        ({"reasoning": {"summary": "odd"}}, "invalid_request", "reasoning.summary"),
        ({"reasoning": {"summary": ["auto"]}}, "invalid_request", "reasoning.summary"),
        ({"reasoning": {"effort": 1}}, "invalid_request", "reasoning.effort"),
        ({"text": {"verbosity": "loud"}}, "invalid_request", "text.verbosity"),
        ({"text": {"format": 1}}, "invalid_request", "text.format"),
        ({"text": {"format": {"type": "odd"}}}, "invalid_request", "text.format"),
        (
            {"text": {"format": {"type": "json_schema", "schema": []}}},
            "invalid_request",
            "text.format",
        ),
        ({"tools": [FUNCTION] * 2}, "invalid_request", "tools"),
        (
            {"tools": [FUNCTION | {"name": f"t{i}"} for i in range(129)]},
            "invalid_request",
            "tools",
        ),
        ({"tools": [FUNCTION | {"name": "a b"}]}, "invalid_request", "tools[0].name"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"conversation": "c"}, "invalid_request", "conversation"),
        ({"conversation": {}}, "invalid_request", "conversation"),
        ({"conversation": 1}, "invalid_request", "conversation"),
        (
            {"conversation": SESSION, "previous_response_id": "resp_mg_1"},
            "invalid_request",
            "conversation",
        ),
        ({"previous_response_id": 1}, "invalid_request", "previous_response_id"),
        ({"store": 1}, "invalid_request", "store"),
        ({"tools": {}}, "invalid_request", "tools"),
        ({"tools": [1]}, "invalid_request", "tools[0]"),
        ({"tools": [{}]}, "invalid_request", "tools[0].type"),
        ({"tools": [{"type": "custom"}]}, "missing_required_parameter", "tools[0].name"),
        ({"tools": [FUNCTION | {"parameters": 1}]}, "invalid_request", "tools[0].parameters"),
        ({"tools": [FUNCTION | {"description": 1}]}, "invalid_request", "tools[0].description"),
        ({"tool_choice": "odd"}, "invalid_request", "tool_choice"),
        ({"tool_choice": "required"}, "invalid_request", "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools"}}, "invalid_request", "tool_choice"),
        (
            {"tools": [FUNCTION, HOSTED], "tool_choice": "required"},
            "unsupported_parameter",
            "tool_choice",
        ),
        (
            {"tools": [FUNCTION, HOSTED], "tool_choice": {"type": "web_search"}},
            "unsupported_parameter",
            "tool_choice",
        ),
        ({"tools": [FUNCTION], "parallel_tool_calls": 1}, "invalid_request", "parallel_tool_calls"),
    ],
)
def test_an_invalid_parameter_is_refused(params: Any, code: str, param: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_generation({"model": "sonnet", "input": "Hi"} | params)
    assert (caught.value.code, caught.value.param) == (code, param)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "text", "call_id", "name", "arguments"]),
            inner
            | st.sampled_from(
                ["user", "assistant", "input_text", "function_call", "function", "custom"]
            ),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_any_json_is_parsed_or_refused(given: Any, tools: Any, choice: Any) -> None:
    try:
        asked = parsed(given, tools=tools, tool_choice=choice)
    except RequestError:
        return
    assert any(it.role is Role.USER for it in asked.conversation.messages)


DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
FILE = {"type": "input_file", "file_data": base64.b64encode(PDF).decode(), "filename": "r.pdf"}


def test_images_and_files_are_parts_of_messages_and_results() -> None:
    image = {"type": "input_image", "image_url": DATA_URL, "detail": "auto"}
    given = [text("input_text", "A"), text("input_text", "B"), image, FILE]
    parts = (TextPart("AB"), ImagePart("image/png", PNG), FilePart("application/pdf", PDF, "r.pdf"))
    asked = parsed(
        [
            {"role": "user", "content": given},
            {"type": "function_call", "call_id": "a", "name": "get", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": given},
        ]
    )
    user, _, result = asked.conversation.messages
    assert (user.parts, result.parts) == (parts, parts)


def test_linked_images_and_files_are_fetched_from_allowed_hosts_only() -> None:
    url = "https://example.com/x"
    content = [
        {"type": "input_image", "image_url": url},
        {"type": "input_file", "file_url": url, "filename": "x"},
    ]
    asked = {"model": "sonnet", "input": [{"role": "user", "content": content}]}
    said = parse_generation(asked, MediaPolicy(hosts=("example.com",))).conversation
    assert said.messages[0].parts == (
        LinkedImage(url, "input[0].content[0].image_url"),
        LinkedFile(url, "input[0].content[1].file_url", "x"),
    )
    assert refusal(asked["input"]) == ("invalid_request", "input[0].content[0].image_url")


@pytest.mark.parametrize(
    ("part", "code", "place"),
    [
        ({"type": "input_audio"}, "unsupported_parameter", ""),
        ({"type": "input_image", "file_id": "f"}, "unsupported_parameter", ".file_id"),
        ({"type": "input_file", "file_id": "f"}, "unsupported_parameter", ".file_id"),
        ({"type": "input_file"}, "invalid_request", ""),
        ({"type": "input_file", "file_data": "?"}, "invalid_request", ""),
    ],
)
def test_media_that_cannot_be_read_are_refused_by_their_place(
    part: object, code: str, place: str
) -> None:
    expected = (code, f"input[0].content[0]{place}")
    assert refusal([{"role": "user", "content": [part]}]) == expected


def test_media_are_of_users_and_results_and_bounded_together() -> None:
    image = {"type": "input_image", "image_url": DATA_URL}
    said = {"role": "assistant", "content": [image]}
    assert refusal([USER, said]) == ("invalid_request", "input[1].content[0]")
    asked = {"model": "sonnet", "input": [{"role": "user", "content": [image]}]}
    with pytest.raises(PayloadTooLargeError):
        parse_generation(asked, MediaPolicy(max_bytes=10))


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "name": "n"}, {"type": "object"}),
        ({"type": "json_schema", "name": "n", "schema": {"type": "array"}}, {"type": "array"}),
    ],
)
def test_the_format_of_the_text_is_that_of_the_answer(form: object, schema: object) -> None:
    output = parsed(text={"format": form}).output
    assert (output and output.schema) == schema


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"metadata": {"a": 5}}, "metadata"),
        ({"metadata": {"a": None}}, "metadata"),
        ({"metadata": {str(it): "x" for it in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"truncation": "some"}, "truncation"),
        ({"truncation": 5}, "truncation"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": 5}]}, "tools[0].tools"),
    ],
)
def test_what_a_response_would_repeat_is_checked(params: dict[str, Any], param: str) -> None:
    assert refusal(**params) == ("invalid_request", param)


def test_metadata_within_the_bounds_of_openais_api_is_repeated() -> None:
    given = {"k" * 64: "v" * 512} | {str(it): "" for it in range(15)}
    assert parsed(metadata=given, truncation="auto").echoed["metadata"] == given


@pytest.mark.parametrize("allowed", [[], [{"type": "web_search"}]])
def test_a_choice_among_no_functions_calls_none(allowed: list[dict[str, str]]) -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": allowed}
    offer = parsed(tools=[FUNCTION, HOSTED], tool_choice=choice).tools
    assert (offer.calling, offer.callable) == (Calling.NONE, None)
    demanded = choice | {"mode": "required"}
    told = refusal(tools=[FUNCTION, HOSTED], tool_choice=demanded)
    assert told == ("invalid_request", "tool_choice")


@pytest.mark.parametrize("url", [None, 5, " "])
def test_an_image_without_a_url_is_told_the_form_of_this_api(url: object) -> None:
    part = {"type": "input_image", "image_url": url}
    with pytest.raises(RequestError, match="must be a URL or a data URL"):
        parsed([{"role": "user", "content": [part]}])


@pytest.mark.parametrize("named", [SESSION, {"id": SESSION}])
def test_a_conversation_is_a_session(named: object) -> None:
    assert parsed(conversation=named).session == SESSION


def test_without_a_conversation_no_session_is_named() -> None:
    assert parsed(conversation=None).session is None
