"""Requests for completions of a text, without messages."""

from collections.abc import Mapping

from modegate.domain.parameters.kinds import as_count


def choices_of(params: Mapping[str, object]) -> int:
    """Returns the number of choices that a complete answer has: `n` for each prompt."""
    return (as_count(params.get("n")) or 1) * _prompts_in(params.get("prompt"))


def _prompts_in(prompt: object) -> int:
    """Returns the number of prompts; a list of numbers is one prompt in tokens."""
    if not isinstance(prompt, list) or not prompt or isinstance(prompt[0], int):
        return 1
    return len(prompt)
