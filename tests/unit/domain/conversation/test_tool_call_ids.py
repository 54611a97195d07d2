import copy
import re
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.conversation.tool_call_ids import repair_tool_call_ids
from modegate.domain.errors import InvalidRequestError

VALID = re.compile(r"[A-Za-z0-9_-]{1,64}")
ABSENT = object()
USER = {"role": "user", "content": "Hi"}


def call(given: object = ABSENT, name: str = "get") -> dict[str, object]:
    head = {} if given is ABSENT else {"id": given}
    return {**head, "type": "function", "function": {"name": name, "arguments": "{}"}}


def calls(*listed: object) -> dict[str, object]:
    return {"role": "assistant", "content": None, "tool_calls": list(listed)}


def result(given: object = ABSENT, name: str | None = None) -> dict[str, object]:
    head = {} if given is ABSENT else {"tool_call_id": given}
    return {"role": "tool", **head, **({"name": name} if name else {}), "content": "42"}


def ids(messages: Sequence[Any]) -> list[object]:
    """The ids of all calls and results, in order; a message's calls as a list."""
    return [
        [it["id"] for it in message["tool_calls"]]
        if message["role"] == "assistant"
        else message["tool_call_id"]
        for message in messages
        if message["role"] in {"assistant", "tool"}
    ]


def repaired(*messages: dict[str, object]) -> list[object]:
    return ids(repair_tool_call_ids([USER, *messages]))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [USER],
        [USER, calls(call("a"), call("B-_9")), result("B-_9"), result("a"), USER],
        [USER, calls(call("x" * 64)), result("x" * 64)],
        [calls(call("a"))],
        [calls(call("a"), call("b")), result("a"), calls(call("c")), result("c")],
        ["odd", None, 3, {"role": "assistant", "tool_calls": "odd"}, {"role": "assistant"}],
        [{"role": "assistant", "tool_calls": [None, "odd", 3]}],
        [{"role": "function", "name": "get", "content": "42"}],
        [{"tool_call_id": "elsewhere"}, {"role": ["odd"], "tool_calls": [{}]}],
    ],
)
def test_messages_with_valid_ids_are_returned_as_the_same_object(messages: list[object]) -> None:
    before = copy.deepcopy(messages)
    assert repair_tool_call_ids(messages) is messages
    assert messages == before


@pytest.mark.parametrize(
    "given", [ABSENT, None, "", " ", "x" * 65, "a.b", "a b", "é", "a\n", "call:1", [], {}, 1.5]
)
def test_a_missing_or_invalid_id_is_made_from_the_place_of_the_call(given: object) -> None:
    pair = calls(call(given), call("ok")), result(given)
    assert repaired(*pair) == [["call_1_0", "ok"], "call_1_0"]


def test_a_number_as_an_id_becomes_the_same_text_in_the_call_and_its_result() -> None:
    assert repaired(calls(call(0), call(1)), result("1"), result(0)) == [["0", "1"], "1", "0"]


def test_of_equal_ids_the_first_is_kept() -> None:
    equal = calls(call("a"), call("a")), result("a"), result("a")
    assert repaired(*equal) == [["a", "call_1_1"], "a", "call_1_1"]
    rounds = calls(call("a")), result("a"), calls(call("a")), result("a")
    assert repaired(*rounds) == [["a"], "a", ["call_3_0"], "call_3_0"]


def test_results_of_equal_ids_are_paired_by_their_names() -> None:
    pair = calls(call("a", "get"), call("a", "put")), result("a", "put"), result("a", "get")
    assert repaired(*pair) == [["a", "call_1_1"], "call_1_1", "a"]


def test_a_made_id_avoids_the_ids_of_all_other_calls() -> None:
    pair = calls(call("")), result(), calls(call("call_1_0"), call("call_1_0_1"))
    assert repaired(*pair) == [["call_1_0_2"], "call_1_0_2", ["call_1_0", "call_1_0_1"]]


def test_results_without_ids_are_paired_with_the_oldest_waiting_call() -> None:
    pair = calls(call("a"), call()), calls(call("c")), result(), result(""), result(None)
    assert repaired(*pair) == [["a", "call_1_1"], ["c"], "a", "call_1_1", "c"]


def test_a_result_with_a_name_is_paired_with_the_oldest_waiting_call_of_that_name() -> None:
    pair = calls(call("", "get"), call("", "put"), call("", "put")), result("", "put"), result()
    made = ["call_1_0", "call_1_1", "call_1_2"]
    assert repaired(*pair) == [made, "call_1_1", "call_1_0"]


def test_a_result_without_an_id_does_not_take_the_call_that_a_later_result_names() -> None:
    assert repaired(calls(call("a"), call("b")), result(), result("a")) == [["a", "b"], "b", "a"]


def test_a_result_with_an_unknown_valid_id_belongs_to_a_call_that_lacked_one() -> None:
    pair = calls(call("a"), call("")), result("made-by-the-client"), result("a")
    assert repaired(*pair) == [["a", "call_1_1"], "call_1_1", "a"]


def test_the_names_of_custom_tools_count() -> None:
    custom = {"type": "custom", "custom": {"name": "run", "input": "x"}}
    assert repaired(calls(call("", "get"), custom), result("", "run"))[1] == "call_1_1"


ORPHANS: dict[str, tuple[int, list[object]]] = {
    "no call": (1, [USER, result("a")]),
    "no call and no id": (0, [result()]),
    "another valid id": (2, [USER, calls(call("a")), result("b")]),
    "a second result": (3, [USER, calls(call("a")), result("a"), result("a")]),
    "a second result without an id": (2, [calls(call()), result(), result()]),
    "before its call": (1, [USER, result("a"), calls(call("a"))]),
    "another name": (2, [USER, calls(call("", "get")), result("", "put")]),
    "the first of two": (1, [USER, result("a"), result("b")]),
}


@pytest.mark.parametrize(("at", "messages"), ORPHANS.values(), ids=ORPHANS)
def test_a_result_without_a_call_is_an_error_that_names_its_id(
    at: int, messages: list[object]
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        repair_tool_call_ids(messages)
    assert caught.value.param == f"messages[{at}].tool_call_id"


def test_only_changed_messages_are_copied_and_other_fields_keep_their_order() -> None:
    odd = {"index": 0, "id": "", "type": "function", "function": {"name": "f"}, "own": 1}
    messages: list[Any] = [USER, calls(call("a")), {**calls(odd, call("b")), "own": 2}, result("a")]
    before = copy.deepcopy(messages)
    after: list[Any] = repair_tool_call_ids(messages)
    assert messages == before
    assert [new is old for new, old in zip(after, messages, strict=True)] == [1, 1, 0, 1]
    assert after[2] == {**messages[2], "tool_calls": [{**odd, "id": "call_2_0"}, call("b")]}
    assert list(after[2]["tool_calls"][0]) == list(odd)


def test_a_long_history_takes_linear_time() -> None:
    many = 20_000
    messages: list[object] = [calls(*(call("") for _ in range(many)))]
    messages += [result("", "get") for _ in range(many)]
    begun = time.process_time()
    repair_tool_call_ids(messages)
    assert time.process_time() - begun < 10


GIVEN = st.sampled_from(
    [ABSENT, None, "", "a", "b", "a.b", "call_0_0", "call_1_0", "call_1_0_1", 1]
)
NAMES = st.sampled_from(["get", "put"])
CALLS = st.lists(st.builds(call, GIVEN, NAMES), max_size=3).map(lambda listed: calls(*listed))
RESULTS = st.builds(result, GIVEN, st.none() | NAMES)
HISTORIES = st.lists(st.one_of(CALLS, RESULTS, st.just(USER)), max_size=8)


@given(HISTORIES)
def test_repaired_messages_have_unique_valid_ids_and_stay_as_they_are(messages: list[Any]) -> None:
    before = copy.deepcopy(messages)
    try:
        after: list[Any] = repair_tool_call_ids(messages)
    except InvalidRequestError:
        return
    assert messages == before
    of_calls = [it["id"] for message in after for it in message.get("tool_calls", ())]
    assert len(of_calls) == len(set(of_calls))
    assert all(VALID.fullmatch(it) for it in of_calls)
    waiting: list[object] = []
    for message in after:
        waiting += [it["id"] for it in message.get("tool_calls", ())]
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
    assert repair_tool_call_ids(after) is after
    assert repair_tool_call_ids(before) == after


@given(HISTORIES)
def test_the_first_call_with_a_valid_id_keeps_it(messages: list[Any]) -> None:
    try:
        after: list[Any] = repair_tool_call_ids(messages)
    except InvalidRequestError:
        return
    seen: set[str] = set()
    for old, new in zip(messages, after, strict=True):
        for was, now in zip(old.get("tool_calls", ()), new.get("tool_calls", ()), strict=True):
            if isinstance(it := was.get("id"), str) and VALID.fullmatch(it) and it not in seen:
                seen.add(it)
                assert now == was
