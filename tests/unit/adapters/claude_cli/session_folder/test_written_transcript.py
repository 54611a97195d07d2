"""A conversation written as the CLI's transcript, and results that are appended to one."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.adapters.claude_cli.session_folder.written_transcript import (
    append_results,
    write_history,
)
from modegate.adapters.claude_cli.session_folder.written_turns import NO_RESULT, turns_of
from modegate.domain.conversation.message import (
    Message,
    Role,
    TextPart,
    ToolCall,
    text_message,
)

SESSION = "0a0a0a0a-0000-4000-8000-000000000000"
ASKED = text_message(Role.USER, "The weather?")


def calls(*ids: str, text: str = "", arguments: str = '{"city": "Paris"}') -> Message:
    made = tuple(ToolCall(it, "weather", arguments) for it in ids)
    return Message(Role.ASSISTANT, (TextPart(text),) if text else (), made)


def result(call_id: str | None, text: str, *, is_error: bool = False) -> Message:
    return Message(Role.TOOL, (TextPart(text),), (), call_id, None, is_error)


def used(call_id: str, **arguments: object) -> dict[str, object]:
    name = "mcp__client__weather"
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def told(call_id: str, text: str, **fields: object) -> dict[str, object]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": text, **fields}


def said(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def test_results_follow_their_calls_in_the_order_of_the_calls() -> None:
    history = [ASKED, calls("a", "b", text="Let me look."), result("b", "rain"), result("a", "sun")]
    assert turns_of(history) == [
        ("user", [said("The weather?")]),
        ("assistant", [said("Let me look."), used("a", city="Paris"), used("b", city="Paris")]),
        ("user", [told("a", "sun"), told("b", "rain")]),
    ]


def test_a_call_without_a_result_and_a_result_without_a_call_are_told_as_such() -> None:
    turns = turns_of([ASKED, calls("a", "b"), result("b", "late", is_error=True), result("x", "y")])
    assert turns[2:] == [
        ("user", [told("a", NO_RESULT, is_error=True), told("b", "late", is_error=True)]),
        ("user", [said("[Result of None]\ny")]),
    ]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("", {}),
        ("free text", {"input": "free text"}),
        ("[1]", {"input": "[1]"}),
        ('{"a":1}', {"a": 1}),
    ],
)
def test_arguments_are_an_object(given: str, seen: dict[str, object]) -> None:
    assert turns_of([ASKED, calls("a", arguments=given)])[1] == ("assistant", [used("a", **seen)])


def test_ids_that_the_api_rejects_are_replaced_and_the_same_each_time() -> None:
    history = [
        ASKED,
        calls("a:1", ""),
        result("a:1", "sun"),
        Message(Role.FUNCTION, name="weather"),
    ]
    turns = turns_of([*history, calls("call_1"), calls("call_1")])
    assert turns == turns_of([*history, calls("call_1"), calls("call_1")])
    ids = [it["id"] for role, blocks in turns if role == "assistant" for it in blocks]
    assert ids == ["call_0", "call_1_", "call_1", "call_3"]
    assert turns[2] == ("user", [told("call_0", "sun"), told("call_1_", "")])


def test_answers_in_a_row_are_one_and_an_answer_is_never_first() -> None:
    answer = text_message(Role.ASSISTANT, "Hello.")
    system = text_message(Role.SYSTEM, "Be brief.")
    turns = turns_of([system, answer, text_message(Role.ASSISTANT, " \n"), answer, system, ASKED])
    assert turns == [
        ("user", [said("(no content)")]),
        ("assistant", [said("Hello."), said("Hello.")]),
        ("user", [said("The weather?")]),
    ]


roles = st.sampled_from([Role.USER, Role.ASSISTANT, Role.TOOL, Role.FUNCTION, Role.SYSTEM])
ids = st.sampled_from(["a", "b", "", "ä", "call_0", "call_1"])
messages = st.builds(
    lambda role, text, calls, call_id: Message(
        role,
        (TextPart(text),),
        tuple(ToolCall(it, "f", "{}") for it in calls) if role is Role.ASSISTANT else (),
        call_id if role is Role.TOOL else None,
        "f" if role is Role.FUNCTION else None,
    ),
    roles,
    st.sampled_from(["text", " "]),
    st.lists(ids, max_size=3),
    ids,
)


@given(st.lists(messages, max_size=12))
def test_every_history_is_one_that_the_api_takes(history: list[Message]) -> None:
    turns = turns_of(history)
    open_calls: list[object] = []
    seen: set[object] = set()
    for at, (role, blocks) in enumerate(turns):
        results = [it["tool_use_id"] for it in blocks if it["type"] == "tool_result"]
        assert blocks
        assert results == open_calls
        assert role == "user" or (at > 0 and turns[at - 1][0] == "user")
        open_calls = [it["id"] for it in blocks if it["type"] == "tool_use"]
        assert not seen & {*open_calls}
        assert len({*open_calls}) == len(open_calls)
        seen |= {*open_calls}
    assert not open_calls


@pytest.fixture
def folder(tmp_path: Path) -> SessionDirectory:
    (tmp_path / "work").mkdir()
    return SessionDirectory(tmp_path / "work", tmp_path / "claude")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_refers_to_the_one_before(folder: SessionDirectory) -> None:
    path = write_history(folder, SESSION, [ASKED, calls("a"), result("a", "sun ☀")])
    assert {path: path.stat().st_size} == folder.transcripts()
    assert path.stem == SESSION
    assert path.stat().st_mode & 0o077 == 0
    written = lines(path)
    assert [it["parentUuid"] for it in written] == [None, *(it["uuid"] for it in written[:-1])]
    assert [it["message"]["role"] for it in written] == ["user", "assistant", "user"]
    assert written[2]["message"]["content"] == [told("a", "sun ☀")]


def test_results_are_appended_behind_the_last_answer(folder: SessionDirectory) -> None:
    path = write_history(folder, SESSION, [ASKED, calls("a", "b")])
    before = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"type": "last-prompt"}\n{"type": "cut')
    append_results(path, [result("b", "rain")])
    assert path.read_bytes().startswith(before)
    added = json.loads(path.read_bytes().splitlines()[-1])
    assert added["parentUuid"] == json.loads(before.splitlines()[1])["uuid"]
    assert (added["sessionId"], added["cwd"]) == (SESSION, str(folder.work))
    # The CLI had noted that `a` has none; what it had noted for `b` does not count.
    noted = told("a", NO_RESULT, is_error=True)
    assert added["message"]["content"] == [noted, told("b", "rain")]


def test_a_transcript_without_open_calls_takes_no_results(folder: SessionDirectory) -> None:
    path = write_history(folder, SESSION, [ASKED, text_message(Role.ASSISTANT, "Sun.")])
    with pytest.raises(LookupError):
        append_results(path, [result("a", "sun")])
    path.write_bytes(b"")
    with pytest.raises(LookupError):
        append_results(path, [result("a", "sun")])
    path.unlink()
    with pytest.raises(FileNotFoundError):
        append_results(path, [result("a", "sun")])
