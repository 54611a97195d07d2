"""The usage of complete answers; pure."""

from collections.abc import Iterator, Mapping

from modegate.dialects.usage.reported import read_usage
from modegate.domain.answer.usage import Usage
from modegate.domain.usage.estimates import prompt_estimate, text_estimate

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
    return sum(len(text.encode("utf-8", "replace")) for text in _texts(choices, MAX_DEPTH))


def _texts(value: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, depth - 1)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, str):
                if name in TEXTS:
                    yield item
            else:
                yield from _texts(item, depth - 1)
