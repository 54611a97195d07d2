"""Counts the tokens of a turn from its events, without I/O."""

from modegate.adapters.claude_cli.protocol.events import Event, child, count
from modegate.domain.answer.usage import Usage

CHARACTERS_A_TOKEN = 4


class TokenCount:
    """Sums the usage in the stream, for turns whose result lacks usage or never arrives."""

    def __init__(self) -> None:
        self._input = Usage(0, 0)
        self._output = 0

    def begin_message(self, message: Event) -> None:
        """Adds the usage of a `message_start`."""
        usage = child(message, "usage")
        self._input = Usage(
            self._input.prompt_tokens + prompt_tokens(usage),
            0,
            self._input.cached_tokens + count(usage, "cache_read_input_tokens"),
        )

    def end_message(self, event: Event) -> None:
        """Adds the usage of a `message_delta`."""
        self._output += count(child(event, "usage"), "output_tokens")

    def so_far(self, text: str) -> Usage:
        """Returns the usage of a turn that has no result yet."""
        return self._usage(self._input.prompt_tokens, self._input.cached_tokens, 0, text)

    def of_result(self, event: Event, text: str) -> Usage:
        """Returns the result's usage; output tokens fall back to the stream's, or an estimate."""
        usage = child(event, "usage")
        cached = count(usage, "cache_read_input_tokens")
        return self._usage(prompt_tokens(usage), cached, count(usage, "output_tokens"), text)

    def _usage(self, prompt: int, cached: int, output: int, text: str) -> Usage:
        reported = output or self._output
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=reported or _estimate(text),
            cached_tokens=cached,
            estimated=not reported,
        )


def _estimate(text: str) -> int:
    return max(1, len(text) // CHARACTERS_A_TOKEN) if text else 0


def prompt_tokens(usage: Event) -> int:
    """Returns all input tokens, cached or not."""
    return (
        count(usage, "input_tokens")
        + count(usage, "cache_read_input_tokens")
        + count(usage, "cache_creation_input_tokens")
    )
