"""Results of tools, and the calls that they belong to."""

import pytest

from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message, Role, ToolCall, text_message
from modegate.domain.errors import InvalidRequestError
from modegate.domain.tools.tool_results import LastResults, match_results

CALLS = (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))
HELLO = text_message(Role.USER, "Hello")
CALLING = Message(Role.ASSISTANT, calls=CALLS)
ONE_BY_ONE = [Message(Role.ASSISTANT, calls=(it,)) for it in CALLS]


def result(call_id: str | None, name: str | None = None) -> Message:
    return Message(Role.TOOL, call_id=call_id, name=name)


@pytest.mark.parametrize(
    ("results", "ids"),
    [
        ([result("b"), result("a")], ["b", "a"]),
        ([result(None, "g"), result(None, "f")], ["b", "a"]),
        ([result(None), result("a")], ["b", "a"]),
    ],
)
def test_results_belong_to_calls_in_any_order(results: list[Message], ids: list[str]) -> None:
    assert [it.call_id for it in match_results(results, CALLS)] == ids


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([result("a")], "missing: b"),
        ([result("a"), result("b"), result("a")], "more than one result: a"),
        ([result("a"), result("b"), result("c")], "No result is awaited .*: c"),
        ([result("a"), result("b"), result(None, "h")], "No result is awaited .*: h"),
    ],
)
def test_other_results_are_rejected_with_the_calls(results: list[Message], words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        match_results(results, CALLS)


@pytest.mark.parametrize(
    ("messages", "calls", "are_last"),
    [
        ((HELLO, CALLING, result("a")), CALLS, True),
        ((HELLO, CALLING, result("a"), HELLO), CALLS, False),
        ((HELLO, *ONE_BY_ONE, result("a")), CALLS, True),
        ((result("a"),), (), True),
        ((HELLO, result("a")), (), True),
    ],
)
def test_the_last_results_of_a_conversation(
    messages: tuple[Message, ...], calls: tuple[ToolCall, ...], are_last: bool
) -> None:
    last = LastResults.of(Conversation(messages))
    assert last is not None
    assert (last.calls, last.are_last, last.call_ids) == (
        calls,
        are_last,
        frozenset("a"),
    )


@pytest.mark.parametrize("messages", [(HELLO,), (HELLO, CALLING, HELLO)])
def test_a_conversation_without_results_at_its_end(messages: tuple[Message, ...]) -> None:
    assert LastResults.of(Conversation(messages)) is None
