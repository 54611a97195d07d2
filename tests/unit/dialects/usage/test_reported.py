"""What providers write in `usage`."""

import pytest

from modegate.dialects.usage.answers import usage_of
from modegate.dialects.usage.reported import MAX_MODEL_CHARACTERS, model_in, read_usage
from modegate.domain.answer.usage import Usage

CHAT = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
RESPONSES = {
    "input_tokens": 36,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 87,
    "output_tokens_details": {"reasoning_tokens": 64},
    "total_tokens": 123,
}
DEEPSEEK = {
    "prompt_tokens": 30,
    "completion_tokens": 5,
    "total_tokens": 35,
    "prompt_cache_hit_tokens": 20,
    "prompt_cache_miss_tokens": 10,
}
LITELLM = CHAT | {"cache_creation_input_tokens": 6, "cache_read_input_tokens": 8}
OPENROUTER = CHAT | {"prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2}}
ANTHROPIC = {
    "input_tokens": 5,
    "output_tokens": 7,
    "cache_read_input_tokens": 90,
    "cache_creation_input_tokens": 40,
}


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (CHAT, Usage(19, 10, 8, reasoning_tokens=4)),
        (RESPONSES, Usage(36, 87, 3, reasoning_tokens=64)),
        (DEEPSEEK, Usage(30, 5, 20)),
        (LITELLM, Usage(19, 10, 8, cache_write_tokens=6, reasoning_tokens=4)),
        (OPENROUTER, Usage(19, 10, 8, cache_write_tokens=2, reasoning_tokens=4)),
        (ANTHROPIC, Usage(135, 7, 90, cache_write_tokens=40)),
        ({"prompt_tokens": 8, "total_tokens": 8}, Usage(8, 0)),
        ({"total_tokens": 8}, Usage(8, 0)),
        ({"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": None}, Usage(3, 4)),
        ({"prompt_tokens": 3.0, "completion_tokens": 4.0}, Usage(3, 4)),
    ],
)
def test_the_names_of_each_provider_are_known(reported: dict[str, object], usage: Usage) -> None:
    assert read_usage(reported) == usage


@pytest.mark.parametrize("completion", [{}, {"completion_tokens": 0}, {"completion_tokens": None}])
def test_missing_completion_tokens_are_the_total_without_the_prompt(
    completion: dict[str, object],
) -> None:
    assert read_usage({"prompt_tokens": 7, "total_tokens": 12} | completion) == Usage(7, 5)


def test_reasoning_that_is_only_in_the_total_is_a_part_of_the_completion() -> None:
    reported = CHAT | {"total_tokens": 33}
    assert read_usage(reported) == Usage(19, 14, 8, reasoning_tokens=4)


def test_cached_tokens_are_never_more_than_the_prompt() -> None:
    reported = CHAT | {
        "cache_creation_input_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 9**9},
    }
    usage = read_usage(reported)
    assert usage is not None
    assert (usage.cached_tokens, usage.cache_write_tokens) == (19, 0)


@pytest.mark.parametrize(
    "reported",
    [
        None,
        "12",
        [],
        {},
        {"prompt_tokens": "3"},
        {"prompt_tokens": -1},
        {"prompt_tokens": True},
        {"prompt_tokens": 10**13},
        {"prompt_tokens": float("nan")},
        {"input_tokens": None},
    ],
)
def test_anything_else_is_no_usage(reported: object) -> None:
    assert read_usage(reported) is None


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": 9, "completion_tokens": 0}, {"prompt_tokens": 9}]
)
def test_a_text_without_completion_tokens_is_estimated(usage: dict[str, object]) -> None:
    choices = [
        {"message": {"content": "12345678", "tool_calls": [{"function": {"arguments": "{}ab"}}]}}
    ]
    assert usage_of({"usage": usage, "choices": choices}, 300) == Usage(9, 3, estimated=True)
    assert usage_of({"usage": usage, "choices": [{"text": "x"}]}, 300) == Usage(
        9, 1, estimated=True
    )
    assert usage_of({"usage": usage, "choices": [{"message": {"content": ""}}]}, 300) == Usage(9, 0)


def test_an_answer_without_usage_is_estimated_from_the_bodies() -> None:
    answer = {"choices": [{"message": {"content": "ü" * 6}}]}
    assert usage_of(answer, 10) == Usage(4, 3, estimated=True)


def test_a_model_is_a_short_printable_text() -> None:
    assert model_in({"model": "gpt-4o-2024-08-06"}) == "gpt-4o-2024-08-06"
    for model in (None, 1, "", "a\nb", "x" * (MAX_MODEL_CHARACTERS + 1)):
        assert model_in({"model": model}) is None
