"""Reads `usage` objects, with the names that OpenAI and other providers use; pure."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from modegate.domain.answer.usage import Usage

# No answer has more tokens; a larger number is none, and would not fit into a database.
MAX_TOKENS = 10**12
MAX_MODEL_CHARACTERS = 256
NOTHING: Mapping[str, object] = {}

# OpenAI reports cached tokens in the details; others beside the tokens: DeepSeek, Moonshot, Anthropic.
CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")
WRITTEN = ("cache_creation_input_tokens", "cache_write_tokens", "cache_creation_tokens")
# The second is Anthropic's.
REASONING = ("reasoning_tokens", "thinking_tokens")
ELSEWHERE = frozenset({*CACHED, *WRITTEN})
ELSEWHERE_INSIDE = frozenset(WRITTEN)

# The names of the prompt's tokens, those of the completion, and their details.
CHAT = (
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
)
# Those of the Responses API, which Anthropic uses, too.
RESPONSES = ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")


def read_usage(reported: object) -> Usage | None:
    """Returns the usage of a `usage` object; None if it says nothing about the prompt.

    Completion tokens that are 0 or missing are the total without the prompt, if that is known.
    """
    if not isinstance(reported, (dict, Mapping)):  # `Mapping` alone takes 0.3 µs
        return None
    return _usual(reported) or _unusual(reported)


def _usual(reported: Mapping[str, Any]) -> Usage | None:
    """Returns a usage in exactly OpenAI's form, or None: a fifth of the cost of any other form."""
    try:
        prompt, completion = reported["prompt_tokens"], reported["completion_tokens"]
        cached = reported["prompt_tokens_details"]["cached_tokens"]
        reasoning = reported["completion_tokens_details"]["reasoning_tokens"]
        is_usual = (
            type(prompt) is type(completion) is type(cached) is type(reasoning) is int
            and 0 <= cached <= prompt <= MAX_TOKENS
            and 0 <= reasoning <= completion <= MAX_TOKENS
            and completion > 0
            and reported["total_tokens"] == prompt + completion
        )
    except (KeyError, TypeError):
        return None
    if not is_usual or not ELSEWHERE.isdisjoint(reported):
        return None
    if not ELSEWHERE_INSIDE.isdisjoint(reported["prompt_tokens_details"]):
        return None
    return Usage(prompt, completion, cached, reasoning_tokens=reasoning)


def _unusual(reported: Mapping[str, object]) -> Usage | None:
    names = RESPONSES if CHAT[0] not in reported and RESPONSES[0] in reported else CHAT
    prompt, completion, of_prompt, of_completion = map(reported.get, names)
    counted, total = _count(prompt), _count(reported.get("total_tokens"))
    spent = _count(completion) or 0
    if counted is None:
        if total is None:
            return None
        counted = max(0, total - spent)
    cached, written = _cache(reported, of_prompt)
    if names is RESPONSES and total is None and not of_prompt:
        counted += cached + written  # Anthropic's input tokens are without those of the cache
    reasoning = 0
    if isinstance(of_completion, Mapping):
        reasoning = _first(of_completion, NOTHING, REASONING)
    if total is not None and total > counted + spent:
        spent = _completion(spent, reasoning, total - counted)
    cached = min(cached, counted)
    return Usage(
        prompt_tokens=counted,
        completion_tokens=spent,
        cached_tokens=cached,
        cache_write_tokens=min(written, counted - cached),
        reasoning_tokens=reasoning,
    )


def model_in(answer: Mapping[str, object]) -> str | None:
    """Returns the model that an answer names; None if it is no short printable text."""
    model = answer.get("model")
    return _checked(model) if isinstance(model, str) else None


@lru_cache(maxsize=256)
def _checked(model: str) -> str | None:
    is_usable = 0 < len(model) <= MAX_MODEL_CHARACTERS and model.isprintable()
    return model if is_usable else None


def _completion(reported: int, reasoning: int, rest: int) -> int:
    """Returns the completion tokens; `rest` is the total without the prompt.

    Some providers count reasoning in the total only.
    """
    return rest if reported == 0 or rest == reported + reasoning else reported


def _cache(reported: Mapping[str, object], details: object) -> tuple[int, int]:
    """Returns the tokens that were read from a cache, and those that were written to one."""
    inner = details if isinstance(details, Mapping) else NOTHING
    if ELSEWHERE.isdisjoint(reported) and ELSEWHERE.isdisjoint(inner):
        return 0, 0
    return _first(inner, reported, CACHED), _first(inner, reported, WRITTEN)


def _first(inner: Mapping[str, object], outer: Mapping[str, object], names: tuple[str, ...]) -> int:
    found = (_count(place.get(name)) for place in (inner, outer) for name in names)
    return next(filter(None, found), 0)


def _count(value: object) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else None
