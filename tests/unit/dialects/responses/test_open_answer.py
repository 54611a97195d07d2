"""The messages to which sealed reasoning belongs."""

from typing import Any

import pytest

from modegate.dialects.responses.generation import parse_generation
from modegate.domain.conversation.message import Message, Role, ToolCall
from modegate.domain.conversation.thought import Thought

HI = {"role": "user", "content": "Hi"}
SAID = {"role": "assistant", "content": "Hello."}


def thought(sealed: object) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": sealed}


def call(name: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": name, "name": name, "arguments": "{}"}


def result(name: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": name, "output": "sun"}


def answers(*items: Any) -> list[tuple[list[str], str, list[str]]]:
    """Returns the thoughts, the text and the calls of the assistant's messages."""
    said = parse_generation({"model": "m", "input": [HI, *items]}).conversation.messages
    return [_of(it) for it in said if it.role is Role.ASSISTANT]


def _of(message: Message) -> tuple[list[str], str, list[str]]:
    return [it.sealed for it in message.thoughts], message.text, [it.name for it in message.calls]


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ((thought("a"), SAID), [(["a"], "Hello.", [])]),
        ((thought("a"), thought("b"), SAID, call("c")), [(["a", "b"], "Hello.", ["c"])]),
        (
            (thought("a"), SAID, thought("b"), call("c")),
            [(["a"], "Hello.", []), (["b"], "", ["c"])],
        ),
        ((thought("a"), call("c"), thought("b"), call("d")), [(["a", "b"], "", ["c", "d"])]),
        (
            (thought("a"), call("c"), result("c"), thought("b"), call("d"), result("d")),
            [(["a"], "", ["c"]), (["b"], "", ["d"])],
        ),
        ((thought("a"), HI, SAID), [([], "Hello.", [])]),
        ((SAID, thought(None), call("c")), [([], "Hello.", ["c"])]),
        ((SAID, thought("a")), [([], "Hello.", [])]),
    ],
)
def test_reasoning_belongs_to_what_follows_it(items: Any, found: object) -> None:
    assert answers(*items) == found


def pieces(*items: Any) -> list[list[str]]:
    """Returns what each of the assistant's messages has, in its order."""
    said = parse_generation({"model": "m", "input": [HI, *items]}).conversation.messages
    return [[_name(it) for it in each.pieces] for each in said if each.role is Role.ASSISTANT]


def _name(piece: Thought | str | ToolCall) -> str:
    if isinstance(piece, str):
        return piece
    return piece.sealed if isinstance(piece, Thought) else piece.name


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ((thought("a"), call("c"), thought("b"), call("d")), [["a", "c", "b", "d"]]),
        (
            (thought("a"), call("c"), call("d"), thought("b"), SAID),
            [["a", "c", "d", "b", "Hello."]],
        ),
        ((SAID, call("c"), SAID, call("d"), result("c")), [["Hello.", "c", "Hello.", "d"]]),
        ((SAID, SAID, call("c")), [["Hello."], ["Hello.", "c"]]),
        ((call("c"), result("c"), SAID), [["c"], ["Hello."]]),
    ],
)
def test_what_lies_between_calls_keeps_its_place(items: Any, found: object) -> None:
    assert pieces(*items) == found
