"""Joining chunks to a completion, and splitting a completion into chunks."""

from typing import Any

import pytest

from modegate.adapters.openai_sdk.answers.chunk_joining import join_chunks
from modegate.adapters.openai_sdk.answers.chunk_splitting import split_completion

HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def chunk(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more}


def test_joining_concatenates_text_fields_and_keeps_other_fields() -> None:
    joined = join_chunks(
        [
            chunk({"role": "assistant", "content": "", "refusal": None}, provider="x"),
            chunk({"content": "Hel", "reasoning_content": "Th"}),
            chunk({"role": "assistant", "content": "lo", "reasoning_content": "ink", "odd": 1}),
            chunk({}, "stop"),
            {**HEAD, "choices": [], "usage": {"total_tokens": 3}, "system_fingerprint": None},
        ]
    )
    assert joined == {
        **HEAD,
        "object": "chat.completion",
        "provider": "x",
        "usage": {"total_tokens": 3},
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello",
                    "refusal": None,
                    "reasoning_content": "Think",
                    "odd": 1,
                },
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
    }


def test_tool_calls_are_joined_by_their_index() -> None:
    def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        function = {"arguments": arguments} | ({"name": "f"} if more else {})
        return chunk({"tool_calls": [{"index": index, "function": function, **more}]})

    joined = join_chunks(
        [
            call(0, "", id="a", type="function"),
            call(0, '{"x"'),
            call(1, "{}", id="b", type="function"),
            call(0, ":1}", id="a"),
            chunk({}, "tool_calls"),
        ]
    )
    message = joined["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ]


def test_tool_calls_without_an_index_stay_separate() -> None:
    calls = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    joined = join_chunks([chunk({"tool_calls": [call]}) for call in calls])
    assert joined["choices"][0]["message"]["tool_calls"] == calls


def test_choices_stay_separate_and_are_sorted_by_index() -> None:
    joined = join_chunks(
        [chunk({"content": "b"}, index=1), chunk({"content": "a"}), chunk({}, "length", 1)]
    )
    joined_choices = [
        (it["index"], it["message"]["content"], it["finish_reason"]) for it in joined["choices"]
    ]
    assert joined_choices == [(0, "a", None), (1, "b", "length")]


def test_log_probabilities_are_appended() -> None:
    choice = {"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [{"token": "a"}]}}
    joined = join_chunks([{**HEAD, "choices": [choice]}] * 2)
    assert joined["choices"][0]["logprobs"] == {"content": [{"token": "a"}, {"token": "a"}]}


def test_a_complete_message_replaces_its_deltas() -> None:
    last = {"index": 0, "message": {"role": "assistant", "content": "Hello"}}
    joined = join_chunks([chunk({"content": "Hello"}), {**HEAD, "choices": [last]}])
    assert joined["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("odd", [{}, {"choices": None}, {"choices": [1]}, {"choices": {}}])
def test_chunks_without_valid_choices_give_no_choices(odd: dict[str, Any]) -> None:
    assert join_chunks([odd])["choices"] == []


def test_splitting_and_joining_a_completion_is_lossless() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = {"role": "assistant", "content": "Hello", "tool_calls": [call]}
    choices = [
        {"index": 0, "message": said, "logprobs": None, "finish_reason": "tool_calls"},
        {
            "index": 1,
            "message": {"role": "assistant", "content": "Hi"},
            "logprobs": {"content": [{"token": "Hi"}]},
            "finish_reason": "stop",
            "content_filter_results": {"hate": False},
        },
    ]
    completion = {**HEAD, "object": "chat.completion", "choices": choices, "usage": {"x": 1}}
    chunks = split_completion(completion)
    assert {it["object"] for it in chunks} == {"chat.completion.chunk"}
    assert chunks[0]["choices"][0]["delta"]["tool_calls"][0]["index"] == 0
    assert [it["choices"][0]["finish_reason"] for it in chunks] == [
        None,
        "tool_calls",
        None,
        "stop",
    ]
    assert [("usage" in it) for it in chunks] == [False, False, False, True]
    assert join_chunks(chunks) == completion


@pytest.mark.parametrize(
    "odd",
    [{}, {"choices": []}, {"choices": None}, {"choices": [1]}, {"choices": [{"text": "x"}]}],
)
def test_splitting_an_invalid_completion_gives_no_chunks(odd: dict[str, Any]) -> None:
    assert split_completion(odd) == []
