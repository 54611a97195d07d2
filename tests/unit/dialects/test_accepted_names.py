"""Names of tools that an API would reject."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.accepted_names import AcceptedNames, names_in
from modegate.dialects.responses.generation import parse_generation
from modegate.domain.answer.events import ToolCallStarted
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message, Role, ToolCall
from modegate.domain.generation_request import GenerationRequest

LONG = "mcp__a_server_with_a_long_name__" + "read_" * 19
CLOSE = LONG + "x"
VALID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def calling(*names: str) -> GenerationRequest:
    calls = tuple(ToolCall(f"call_{i}", name, "{}") for i, name in enumerate(names))
    return GenerationRequest(
        model="m", conversation=Conversation((Message(Role.ASSISTANT, calls=calls),))
    )


def called(asked: GenerationRequest) -> list[str]:
    return [it.name for message in asked.conversation.messages for it in message.calls]


@given(st.lists(st.text(min_size=1, max_size=130), min_size=1, unique=True))
def test_every_name_is_accepted_unique_and_restored(given_names: list[str]) -> None:
    asked = calling(*given_names)
    names = AcceptedNames(names_in(asked), 64)
    accepted = called(names.replaced(asked))
    assert all(map(VALID.fullmatch, accepted))
    assert len(set(accepted)) == len(accepted)
    events = names.restored([ToolCallStarted(0, "call", it) for it in accepted])
    assert [it.name for it in events if isinstance(it, ToolCallStarted)] == given_names
    kept = [it for it in given_names if VALID.fullmatch(it)]
    assert set(kept) <= set(accepted)
    assert names.replaces_any is (len(kept) < len(given_names))


def test_a_name_is_replaced_by_the_same_one_whatever_stands_beside_it() -> None:
    alone = called(AcceptedNames([LONG], 64).replaced(calling(LONG)))
    beside = called(AcceptedNames([CLOSE, "a", LONG], 64).replaced(calling(LONG, CLOSE)))
    assert alone == beside[:1]
    assert alone[0].startswith("mcp__a_server_with_a_long_name__read_")


def test_a_name_that_looks_like_the_replacement_keeps_it() -> None:
    (taken,) = called(AcceptedNames([LONG], 64).replaced(calling(LONG)))
    names = AcceptedNames([LONG, taken], 64)
    first, second = called(names.replaced(calling(LONG, taken)))
    assert second == taken
    assert first != taken


@pytest.mark.parametrize("name", [LONG, "server.read"])
def test_the_tools_and_the_choice_have_the_same_names(name: str) -> None:
    tool: Any = {"type": "function", "name": name, "parameters": {}}
    choice = {"type": "function", "name": name}
    asked = parse_generation({"model": "m", "input": "Hi", "tools": [tool], "tool_choice": choice})
    names = AcceptedNames(names_in(asked), 64)
    offer = names.replaced(asked).tools
    assert offer is not None
    assert offer.callable == frozenset({offer.tools[0].name})
    assert VALID.fullmatch(offer.tools[0].name)
