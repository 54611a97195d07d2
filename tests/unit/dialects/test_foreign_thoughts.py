"""Thoughts that an API would reject, in bodies that are relayed."""

import json
from typing import Any

import pytest

from modegate.dialects.foreign_thoughts import demands_thoughts, without_sealed, without_unsigned

ENABLED = {"type": "enabled", "budget_tokens": 2000}
SIGNED = {"type": "thinking", "thinking": "", "signature": "c2ln"}
REDACTED = {"type": "redacted_thinking", "data": "c2ln"}
CALL = {"type": "tool_use", "id": "a", "name": "b", "input": {}}
RESULTS = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}


def answer(*blocks: object) -> dict[str, object]:
    return {"role": "assistant", "content": list(blocks)}


@pytest.mark.parametrize("signature", [{}, {"signature": ""}, {"signature": None}])
def test_unsigned_thoughts_are_left_out_wherever_they_stand(signature: Any) -> None:
    unsigned = {"type": "thinking", "thinking": "Hm."} | signature
    messages = [RESULTS, answer(CALL, unsigned), answer(unsigned), answer(SIGNED, REDACTED)]
    body = json.dumps(messages).encode()
    assert without_unsigned(body, messages) == [RESULTS, answer(CALL), answer(SIGNED, REDACTED)]


@pytest.mark.parametrize(
    "messages",
    [
        None,
        "thinking",
        [],
        [answer(SIGNED, REDACTED, CALL), RESULTS],
        [{"role": "user", "content": "thinking"}, {"content": [7, None, ["thinking"]]}, 7, None],
        [answer({"type": "text", "text": "thinking", "signature": ""})],
    ],
)
def test_other_messages_stay(messages: Any) -> None:
    assert without_unsigned(json.dumps([messages, "thinking"]).encode(), messages) is None


@pytest.mark.parametrize(
    ("thinking", "messages", "demands"),
    [
        (ENABLED, [answer(CALL), RESULTS], True),
        (ENABLED, [RESULTS], True),
        (ENABLED, [answer(SIGNED, CALL), RESULTS], False),
        (ENABLED, [answer(REDACTED, CALL), RESULTS], False),
        (ENABLED, [answer(CALL), RESULTS, answer(CALL), {"role": "user", "content": "Hi"}], False),
        (ENABLED, [], False),
        ({"type": "adaptive"}, [answer(CALL), RESULTS], False),
        (None, [answer(CALL), RESULTS], False),
    ],
)
def test_a_budget_demands_a_thought_where_calls_go_on(
    thinking: Any, messages: Any, demands: bool
) -> None:
    assert demands_thoughts(thinking, messages) is demands


@pytest.mark.parametrize(
    "items",
    [
        "mg1.A",
        None,
        [],
        [{"type": "message", "encrypted_content": "mg1.A"}, "mg1.A"],
        [{"type": "reasoning", "encrypted_content": "gAAA"}, {"type": "reasoning"}, "mg1.A"],
    ],
)
def test_only_what_is_sealed_here_is_left_out(items: Any) -> None:
    assert without_sealed(json.dumps([items]).encode(), items) is None
    if isinstance(items, list):
        sealed = {"type": "reasoning", "encrypted_content": "mg1.A"}
        assert without_sealed(json.dumps([*items, sealed]).encode(), [*items, sealed]) == items
