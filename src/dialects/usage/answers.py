"""The usage of complete answers; pure."""

from collections.abc import Mapping

from modegate.dialects.usage.reported import read_usage
from modegate.domain.answer.usage import Usage
from modegate.domain.usage.estimates import prompt_estimate, size_of, text_estimate

# What the model writes in a choice's message or delta, and in the calls of tools.
TEXTS = frozenset({"content", "reasoning_content", "reasoning", "refusal", "text", "arguments"})
MAX_DEPTH = 8


def usage_of(answer: Mapping[str, object], body_size: int) -> Usage:
    """Returns the usage of a chat completion or a completion.

    What it does not report is estimated, from the bytes of the request's body and the text.
    """
    usage = read_usage(answer.get("usage"))
    if usage is not None and usage.completion_tokens:
        return usage
    return settled(usage, body_size, text_size(answer.get("choices")))


def settled(usage: Usage | None, body_size: int, size: int) -> Usage:
    """Returns a usage in which an answer of `size` bytes of text has completion tokens."""
    if usage is None:
        return Usage(prompt_estimate(body_size), text_estimate(size), estimated=True)
    if usage.completion_tokens or not size:
        return usage
    return Usage(
        usage.prompt_tokens,
        text_estimate(size),
        usage.cached_tokens,
        estimated=True,
        cache_write_tokens=usage.cache_write_tokens,
    )


def text_size(choices: object) -> int:
    """Returns the bytes of the text in choices, those of calls of tools included."""
    return _text_size(choices, MAX_DEPTH)


def _text_size(value: object, depth: int) -> int:
    if depth == 0:
        return 0
    size = 0
    if isinstance(value, list):
        for item in value:
            size += _text_size(item, depth - 1)
    elif isinstance(value, (dict, Mapping)):  # `Mapping` alone takes 0.3 µs
        for name, item in value.items():
            if isinstance(item, str):
                if name in TEXTS:
                    size += size_of(item)
            elif isinstance(item, (dict, list)):
                size += _text_size(item, depth - 1)
    return size
