"""Estimates of tokens, for backends that do not report them."""

from modegate.domain.conversation.prompt import Prompt

# A prompt's bytes include the names and brackets of its JSON.
PROMPT_BYTES_A_TOKEN = 3
TEXT_BYTES_A_TOKEN = 4


def prompt_estimate(size: int) -> int:
    """Returns the estimated tokens of a request's body or prompt of `size` bytes, rounded up."""
    return -(-size // PROMPT_BYTES_A_TOKEN)


def text_estimate(size: int) -> int:
    """Returns the estimated tokens of an answer's text of `size` bytes; at least 1 for any text."""
    return max(1, size // TEXT_BYTES_A_TOKEN) if size else 0


def estimated_tokens(prompt: Prompt) -> int:
    """Returns the estimated tokens of a prompt's texts."""
    return prompt_estimate(size_of(prompt.system) + size_of(prompt.text))


def size_of(text: str) -> int:
    """Returns the size of a text in bytes; also of one with lone surrogates."""
    return len(text.encode("utf-8", "replace"))
