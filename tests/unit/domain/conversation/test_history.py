"""The digest by which a request is recognised as the next turn of a session."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.chat.messages import parse_messages
from modegate.domain.answer.events import (
    Finished,
    FinishReason,
    MessageStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.heard import HeardAnswer
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.history import digest_of, next_turn
from modegate.domain.conversation.message import Message, Role, TextPart, ToolCall, text_message
from modegate.domain.conversation.thought import Thought

ASKED = text_message(Role.USER, "The weather?")
CALL = ToolCall("call_1", "weather", '{"city": "Paris", "days": 1}')
ANSWER = Message(Role.ASSISTANT, (TextPart("Let me look."),), (CALL,))
RESULT = Message(Role.TOOL, (TextPart("sun"),), (), "call_1")


def as_call(arguments: str, **fields: object) -> dict[str, object]:
    function = {"name": "weather", "arguments": arguments, **fields}
    return {"id": "call_1", "type": "function", "function": function}


SENT_BACK = {
    "openai": {"content": "Let me look.", "refusal": None, "tool_calls": [as_call(CALL.arguments)]},
    "openai's stream helper": {
        "content": "Let me look.",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": [as_call(CALL.arguments, parsed_arguments=None) | {"index": 0}],
    },
    "vercel": {
        "content": "Let me look.",
        "tool_calls": [as_call('{"days":1.0,"city":"Paris"}')],
    },
    "text parts": {
        "content": [{"type": "text", "text": "Let me "}, {"type": "text", "text": "look."}],
        "tool_calls": [as_call(CALL.arguments)],
    },
}


@pytest.mark.parametrize("answer", SENT_BACK.values(), ids=SENT_BACK)
def test_an_answer_is_recognised_as_sdks_send_it_back(answer: dict[str, object]) -> None:
    raw = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "The weather?"}]},
        {"role": "assistant", **answer},
        {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
    ]
    turn = next_turn(parse_messages(raw))
    assert turn is not None
    assert turn.said == digest_of((ASKED, ANSWER))
    assert turn.messages == (RESULT,)


@pytest.mark.parametrize("content", [None, "", []])
def test_an_answer_without_text_may_come_as_null(content: object) -> None:
    raw = [
        {"role": "user", "content": "The weather?"},
        {"role": "assistant", "content": content, "tool_calls": [as_call(CALL.arguments)]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
    ]
    turn = next_turn(parse_messages(raw))
    assert turn is not None
    assert turn.said == digest_of((ASKED, replace(ANSWER, parts=())))


@pytest.mark.parametrize(
    "edited",
    [
        (replace(ASKED, parts=(TextPart("The weather!"),)), ANSWER, RESULT),
        (ASKED, replace(ANSWER, parts=(TextPart("Let me look!"),)), RESULT),
        (ASKED, replace(ANSWER, calls=(replace(CALL, id="call_2"),)), RESULT),
        (ASKED, replace(ANSWER, calls=(replace(CALL, name="time"),)), RESULT),
        (ASKED, replace(ANSWER, calls=(replace(CALL, arguments='{"city": "Rome"}'),)), RESULT),
        (ASKED, replace(ANSWER, calls=(CALL, CALL)), RESULT),
        (ASKED, ANSWER, replace(RESULT, is_error=True)),
        (ASKED, ANSWER, replace(RESULT, parts=(TextPart("rain"),))),
        (ASKED, ANSWER, replace(RESULT, call_id="call_2")),
        (ASKED, ANSWER, ASKED, RESULT),
        (ANSWER, RESULT),
        (ASKED, ANSWER),
        (replace(ASKED, role=Role.ASSISTANT), ANSWER, RESULT),
    ],
)
def test_an_edited_or_shortened_conversation_has_another_digest(
    edited: tuple[Message, ...],
) -> None:
    assert digest_of(edited) != digest_of((ASKED, ANSWER, RESULT))


def test_results_may_come_in_any_order() -> None:
    other = replace(RESULT, call_id="call_2")
    assert digest_of((ASKED, RESULT, other)) == digest_of((ASKED, other, RESULT))


def test_a_conversation_that_nothing_follows_begins_anew() -> None:
    for roles in (
        ["user"],
        ["user", "assistant"],
        ["system", "user", "user"],
        ["assistant", "system", "user", "assistant"],
    ):
        raw = [{"role": it, "content": "text"} for it in roles]
        assert next_turn(parse_messages(raw)) is None


def test_what_follows_the_unknown_is_unknown() -> None:
    assert digest_of((ASKED,), "") == ""


messages = st.one_of(
    st.builds(text_message, st.sampled_from([Role.USER, Role.SYSTEM]), st.text(max_size=3)),
    st.builds(
        lambda text, it: Message(Role.TOOL, (TextPart(text),), (), it),
        st.text(max_size=3),
        st.sampled_from("ab"),
    ),
)
answers = st.builds(
    lambda text, calls: Message(Role.ASSISTANT, (TextPart(text),), tuple(calls)),
    st.text(max_size=3),
    st.lists(
        st.builds(ToolCall, st.sampled_from("ab"), st.just("f"), st.text(max_size=3)), max_size=2
    ),
)
# An answer, and what is said to it: the parts in which a session hears a conversation.
turns = st.lists(st.tuples(st.lists(messages, max_size=3), answers), max_size=5)


@given(turns)
def test_turns_have_the_digest_of_the_whole_conversation(
    turns: list[tuple[list[Message], Message]],
) -> None:
    said: list[Message] = []
    digest = digest_of(())
    for heard, answer in turns:
        if not any(it.role is not Role.SYSTEM for it in heard):
            continue  # answers in a row are one
        digest = digest_of((*heard, answer), digest)
        said += (*heard, answer)
    assert digest == digest_of(said)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=4))
def test_arguments_are_compared_as_json(arguments: dict[str, object]) -> None:
    def digest(text: str) -> str:
        return digest_of((replace(ANSWER, calls=(replace(CALL, arguments=text),)),))

    written = json.dumps(arguments)
    anew = json.dumps(arguments, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    assert digest(written) == digest(anew)
    assert digest(written) != digest(json.dumps({**arguments, "more": 1}))


def test_the_message_of_an_answer_is_made_of_its_events() -> None:
    heard = HeardAnswer()
    for event in (
        MessageStarted(),
        TextDelta("Let me "),
        TextDelta("look."),
        ToolCallStarted(0, "call_1", "weather"),
        ToolCallDelta(0, '{"city": "Paris",'),
        ToolCallDelta(0, ' "days": 1}'),
    ):
        heard.note(event)
    assert heard.message == ANSWER
    assert not heard.is_complete
    heard.note(Finished(FinishReason.STOP, Usage(1, 1)))
    assert heard.is_complete
    assert not heard.is_refused


def test_thoughts_do_not_count() -> None:
    thought = Thought("Hm.", "c2ln", "one", "mg1.A")
    said = Message(Role.ASSISTANT, (TextPart("Hello."),))
    assert digest_of([said]) == digest_of([replace(said, thoughts=(thought,))])
