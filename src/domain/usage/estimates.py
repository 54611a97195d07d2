"""Estimates of tokens, for backends that do not report them."""

# A prompt's bytes include the names and brackets of its JSON.
PROMPT_BYTES_A_TOKEN = 3
TEXT_BYTES_A_TOKEN = 4


def prompt_estimate(size: int) -> int:
    """Returns the estimated tokens of a request's body or prompt of `size` bytes, rounded up."""
    return -(-size // PROMPT_BYTES_A_TOKEN)


def text_estimate(size: int) -> int:
    """Returns the estimated tokens of an answer's text of `size` bytes; at least 1 for any text."""
    return max(1, size // TEXT_BYTES_A_TOKEN) if size else 0
