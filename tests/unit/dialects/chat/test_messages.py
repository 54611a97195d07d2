from typing import Any

import pytest

from modegate.dialects.chat.messages import parse_messages
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message, Role, ToolCall, text_message
from modegate.domain.conversation.prompt import Prompt, build_prompt
from modegate.domain.errors import (
    InvalidRequestError,
    MissingParameterError,
    RequestError,
)


def parse(*messages: object) -> Conversation:
    return parse_messages(list(messages))


def message(role: str, content: object, **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}


HELLO = message("user", "Hello")


def test_text_parts_are_joined_into_one_message_text() -> None:
    assert parse(message("user", [text("a"), text(""), text("b ")])).messages == (
        text_message(Role.USER, "ab "),
    )


def test_an_assistant_message_may_have_null_content() -> None:
    assert parse(HELLO, message("assistant", None)).messages[1] == Message(Role.ASSISTANT)


def test_a_refusal_part_is_parsed_as_text() -> None:
    part = {"type": "refusal", "refusal": "I won't."}
    assert parse(HELLO, message("assistant", [part])).messages[1].text == "I won't."


def call(**fields: object) -> dict[str, object]:
    return {"id": "call_1", "type": "function", **fields}


def said(**fields: object) -> dict[str, object]:
    return message("assistant", None, **fields)


GET = {"name": "get", "arguments": '{"a":1}'}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tool_calls": [call(function=GET), {}]}, ToolCall("call_1", "get", '{"a":1}')),
        ({"function_call": GET}, ToolCall("", "get", '{"a":1}')),
        (
            {"tool_calls": [call(type="custom", custom={"name": "shell", "input": "ls"})]},
            ToolCall("call_1", "shell", '{"input": "ls"}'),
        ),
    ],
)
def test_earlier_calls_are_parsed(fields: dict[str, object], expected: ToolCall) -> None:
    assert parse(HELLO, said(**fields)).messages[1].calls == (expected,)


def test_earlier_calls_are_told_as_text() -> None:
    waited = message("assistant", "Wait.", tool_calls=[call(function=GET)])
    assert 'Assistant: Wait.\n[called get with {"a":1}]' in prompt(HELLO, waited, HELLO).text


def test_a_result_names_its_call() -> None:
    result = parse(HELLO, message("tool", "42", tool_call_id="call_1")).messages[1]
    assert (result.text, result.call_id, result.is_result) == ("42", "call_1", True)


@pytest.mark.parametrize("content", ["42", [text("4"), text("2")]])
def test_the_legacy_function_role_renders_like_the_tool_role(content: object) -> None:
    assert (
        prompt(HELLO, message("function", content, name="get")).text
        == prompt(HELLO, message("tool", content, tool_call_id="1")).text
    )


@pytest.mark.parametrize("content", [None, "", []])
@pytest.mark.parametrize("role", [Role.FUNCTION, Role.TOOL])
def test_function_and_tool_messages_may_be_empty(content: object, role: Role) -> None:
    assert parse(HELLO, message(role, content)).messages[1] == Message(role)


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_calls": []},
        {"tool_calls": None},
        {"tool_calls": [{}, None, {"function": None}, {"function": {}}]},
        {"function_call": None},
        {"function_call": {}},
        {"function_call": ""},
        {"refusal": None, "audio": None, "annotations": [], "name": ""},
        {"reasoning_content": None},
    ],
)
@pytest.mark.parametrize("content", [None, "", [], "Yes."])
def test_empty_assistant_fields_add_no_text(fields: dict[str, object], content: object) -> None:
    text = parse(HELLO, message("assistant", content, **fields)).messages[1].text
    assert text == (content or "")


@pytest.mark.parametrize(
    ("messages", "error", "param"),
    [
        (None, MissingParameterError, "messages"),
        ("hi", InvalidRequestError, "messages"),
        ([], InvalidRequestError, "messages"),
        ([HELLO] * 101, InvalidRequestError, "messages"),
        ([HELLO, *[{"role": "tool", "content": ""}] * 10_000], InvalidRequestError, "messages"),
        ([message("system", "x")], InvalidRequestError, "messages"),
        (["hi"], InvalidRequestError, "messages[0]"),
        ([{"content": "x"}], MissingParameterError, "messages[0].role"),
        ([message("robot", "x")], InvalidRequestError, "messages[0].role"),
        ([{"role": {}, "content": "x"}], InvalidRequestError, "messages[0].role"),
        ([HELLO, {"role": "user"}], MissingParameterError, "messages[1].content"),
        ([message("user", None)], MissingParameterError, "messages[0].content"),
        ([message("user", 3)], InvalidRequestError, "messages[0].content"),
        ([message("user", "")], InvalidRequestError, "messages[0]"),
        ([message("user", " \n")], InvalidRequestError, "messages[0]"),
        ([message("user", [])], InvalidRequestError, "messages[0]"),
        ([message("user", ["x"])], InvalidRequestError, "messages[0].content[0]"),
        ([message("user", [{"type": "text"}])], InvalidRequestError, "messages[0].content[0]"),
        ([message("user", [{"type": ["text"]}])], InvalidRequestError, "messages[0].content[0]"),
        (
            [HELLO, message("user", [text("a"), {"type": "image_url", "image_url": {}}])],
            InvalidRequestError,
            "messages[1].content[1].image_url",
        ),
        ([HELLO, said(tool_calls="get")], InvalidRequestError, "messages[1].tool_calls"),
        ([HELLO, said(tool_calls=["x"])], InvalidRequestError, "messages[1].tool_calls[0]"),
        (
            [HELLO, said(tool_calls=[call(id=1, function=GET)])],
            InvalidRequestError,
            "messages[1].tool_calls[0].id",
        ),
        (
            [HELLO, said(tool_calls=[call(function={"arguments": "{}"})])],
            MissingParameterError,
            "messages[1].tool_calls[0].function.name",
        ),
        (
            [HELLO, said(tool_calls=[call(function=GET | {"arguments": {"a": 1}})])],
            InvalidRequestError,
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            [HELLO, said(tool_calls=[call(custom={"name": "shell", "input": 1})])],
            InvalidRequestError,
            "messages[1].tool_calls[0].custom.input",
        ),
        ([HELLO, said(function_call="get")], InvalidRequestError, "messages[1].function_call"),
        (
            [HELLO, message("tool", "42", tool_call_id=1)],
            InvalidRequestError,
            "messages[1].tool_call_id",
        ),
        ([HELLO, message("function", "42", name=[])], InvalidRequestError, "messages[1].name"),
        ([message("user", "x" * 500_001)], InvalidRequestError, "messages[0].content"),
        (
            [message("user", [text("x" * 300_000), text("x" * 200_001)])],
            InvalidRequestError,
            "messages[0].content",
        ),
    ],
)
def test_invalid_messages_raise_an_error_naming_the_parameter(
    messages: Any, error: type[RequestError], param: str
) -> None:
    with pytest.raises(error) as caught:
        parse_messages(messages)
    assert caught.value.param == param


def test_the_maximum_message_count_and_length_are_accepted() -> None:
    assert len(parse(*[HELLO] * 100).messages) == 100
    assert len(parse(message("user", "x" * 500_000)).messages[0].text) == 500_000


def test_calls_and_results_do_not_count_towards_the_maximum() -> None:
    said = message("assistant", None, tool_calls=[call(function=GET)])
    result = message("tool", "42", tool_call_id="call_1")
    assert len(parse(*[HELLO] * 100, *[said, result] * 100).messages) == 300


def prompt(*messages: object, resume: bool = False) -> Prompt:
    return build_prompt(parse(*messages), resume=resume)


def test_a_single_message_becomes_the_prompt_unchanged() -> None:
    assert prompt(message("user", "-- what?\x00 ")) == Prompt.of_text("-- what?\x00 ")


def test_system_and_developer_messages_form_the_system_prompt_in_any_position() -> None:
    assert prompt(
        message("system", "a"), HELLO, message("developer", [text("b")]), message("system", "c")
    ) == Prompt.of_text("Hello", "a\n\nb\n\nc")


def test_multiple_messages_are_labelled_with_their_roles() -> None:
    built = prompt(
        message("assistant", "Yes?"),
        message("user", "One"),
        message("user", "Two"),
        message("assistant", None),
        message("tool", "42", tool_call_id="1"),
    )
    assert built.text == "Assistant: Yes?\n\nUser: One\n\nUser: Two\n\nTool: 42"
    assert [len(built.history), len(built.turn)] == [2, 3]


def test_results_at_the_end_are_the_turn() -> None:
    said = message("assistant", None, tool_calls=[call(function=GET)])
    result = message("tool", "42", tool_call_id="call_1")
    resumed = prompt(HELLO, said, result, resume=True)
    assert [(it.call_id, it.text) for it in resumed.turn] == [("call_1", "42")]
    assert [it.role for it in prompt(HELLO, said, result).history] == [Role.USER, Role.ASSISTANT]


def test_a_resumed_conversation_sends_only_the_last_user_message() -> None:
    assert prompt(
        message("system", "s"),
        message("user", "One"),
        message("user", "Two"),
        message("assistant", "late"),
        resume=True,
    ) == Prompt.of_text("Two", "s")


@pytest.mark.parametrize(
    ("surrogates", "expected"),
    [
        ("a\ud83d", "a?"),
        ("\ude00 ü \ufffd", "? ü \ufffd"),
        ([text("\ud83d"), text("\ude00")], "\U0001f600"),
    ],
)
def test_surrogates_in_a_prompt_are_paired_or_replaced(surrogates: object, expected: str) -> None:
    assert prompt(message("system", surrogates), message("user", surrogates)) == Prompt.of_text(
        expected, expected
    )
    assert (
        prompt(message("user", surrogates), message("user", surrogates), resume=True).text
        == expected
    )
