from typing import Any

import pytest

from modegate.domain.conversation import Conversation, Message, Role
from modegate.domain.errors import (
    InvalidRequestError,
    MissingParameterError,
    RequestError,
    UnsupportedParameterError,
)
from modegate.domain.prompt import Prompt, build_prompt


def parse(*messages: object) -> Conversation:
    return Conversation.parse(list(messages))


def message(role: str, content: object, **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}


HELLO = message("user", "Hello")


def test_strings_and_parts() -> None:
    assert parse(message("user", [text("a"), text(""), text("b ")])).messages == (
        Message(Role.USER, "ab "),
    )


def test_an_assistant_may_have_said_nothing() -> None:
    assert parse(HELLO, message("assistant", None)).messages[1] == Message(Role.ASSISTANT, "")


def test_a_refusal_is_text() -> None:
    part = {"type": "refusal", "refusal": "I won't."}
    assert parse(HELLO, message("assistant", [part])).messages[1].text == "I won't."


def test_earlier_tool_calls_are_told() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "get", "arguments": '{"a":1}'}}
    said = parse(HELLO, message("assistant", None, tool_calls=[call, "x"])).messages[1].text
    assert said == '[called get with {"a":1}]'


def test_a_call_of_a_custom_tool_is_told() -> None:
    call = {"id": "1", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    said = parse(HELLO, message("assistant", "", tool_calls=[call])).messages[1].text
    assert said == "[called shell with ls]"


def test_a_call_of_an_older_client_is_told() -> None:
    call = {"name": "get", "arguments": '{"a":1}'}
    said = parse(HELLO, message("assistant", None, function_call=call)).messages[1].text
    assert said == '[called get with {"a":1}]'


@pytest.mark.parametrize("content", ["42", [text("4"), text("2")]])
def test_the_role_function_of_older_clients_is_text_like_tool(content: object) -> None:
    assert (
        prompt(HELLO, message("function", content, name="get")).text
        == prompt(HELLO, message("tool", content, tool_call_id="1")).text
    )


@pytest.mark.parametrize("content", [None, "", []])
@pytest.mark.parametrize("role", [Role.FUNCTION, Role.TOOL])
def test_a_function_may_have_returned_nothing(content: object, role: Role) -> None:
    assert parse(HELLO, message(role, content)).messages[1] == Message(role, "")


@pytest.mark.parametrize(
    "beside",
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
def test_empty_fields_beside_the_content_say_nothing(
    beside: dict[str, object], content: object
) -> None:
    said = parse(HELLO, message("assistant", content, **beside)).messages[1].text
    assert said == (content or "")


@pytest.mark.parametrize(
    ("messages", "error", "param"),
    [
        (None, MissingParameterError, "messages"),
        ("hi", InvalidRequestError, "messages"),
        ([], InvalidRequestError, "messages"),
        ([HELLO] * 101, InvalidRequestError, "messages"),
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
            UnsupportedParameterError,
            "messages[1].content[1].image_url",
        ),
        ([message("user", "x" * 500_001)], InvalidRequestError, "messages[0].content"),
        (
            [message("user", [text("x" * 300_000), text("x" * 200_001)])],
            InvalidRequestError,
            "messages[0].content",
        ),
    ],
)
def test_what_is_wrong_is_named(messages: Any, error: type[RequestError], param: str) -> None:
    with pytest.raises(error) as caught:
        Conversation.parse(messages)
    assert caught.value.param == param


def test_the_bounds_themselves_are_within() -> None:
    assert len(parse(*[HELLO] * 100).messages) == 100
    assert len(parse(message("user", "x" * 500_000)).messages[0].text) == 500_000


def prompt(*messages: object, resume: bool = False) -> Prompt:
    return build_prompt(parse(*messages), resume=resume)


def test_a_single_message_is_the_prompt_as_it_is() -> None:
    assert prompt(message("user", "-- what?\x00 ")) == Prompt("", "-- what?\x00 ")


def test_system_and_developer_messages_are_the_system_prompt_wherever_they_stand() -> None:
    assert prompt(
        message("system", "a"), HELLO, message("developer", [text("b")]), message("system", "c")
    ) == Prompt("a\n\nb\n\nc", "Hello")


def test_several_messages_are_labelled_in_any_order_of_roles() -> None:
    assert prompt(
        message("assistant", "Yes?"),
        message("user", "One"),
        message("user", "Two"),
        message("assistant", None),
        message("tool", "42", tool_call_id="1"),
    ) == Prompt("", "Assistant: Yes?\n\nUser: One\n\nUser: Two\n\nTool: 42")


def test_a_resumed_conversation_gets_the_last_user_message_alone() -> None:
    assert prompt(
        message("system", "s"),
        message("user", "One"),
        message("user", "Two"),
        message("assistant", "late"),
        resume=True,
    ) == Prompt("s", "Two")


@pytest.mark.parametrize(
    ("half", "whole"),
    [
        ("a\ud83d", "a?"),
        ("\ude00 ü \ufffd", "? ü \ufffd"),
        ([text("\ud83d"), text("\ude00")], "\U0001f600"),
    ],
)
def test_a_prompt_has_no_half_of_a_character(half: object, whole: str) -> None:
    assert prompt(message("system", half), message("user", half)) == Prompt(whole, whole)
    assert prompt(message("user", half), message("user", half), resume=True).text == whole
