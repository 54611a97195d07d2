"""Counts the tokens of a turn from its events, without I/O."""

from dataclasses import replace

from modegate.adapters.claude_cli.protocol.events import Event, child, count, text
from modegate.domain.answer.usage import Usage
from modegate.lazy_dataclass import dataclass

CHARACTERS_A_TOKEN = 4
# Of each model, what was used since the last result (2.1.329). Other totals in a result are those
# of the process.
OF_TURN, COST = "model_usage_since_last_result", "costUSD"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens as the CLI counts them; `prompt` includes those of the cache."""

    prompt: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    reasoning: int = 0

    @classmethod
    def of(cls, usage: Event) -> "Tokens":
        """Returns the tokens in a `usage`."""
        return cls(
            prompt_tokens(usage),
            count(usage, "cache_read_input_tokens"),
            count(usage, "cache_creation_input_tokens"),
            count(usage, "output_tokens"),
            count(child(usage, "output_tokens_details"), "thinking_tokens"),
        )


class TokenCount:
    """Sums the usage in the stream, for turns whose result lacks usage or never arrives.

    `model` is the model that the last message names. With `is_part` earlier answers of the same turn
    have been counted, so the result's usage, which is the whole turn's, does not count.
    """

    def __init__(self) -> None:
        self.model: str | None = None
        self.is_part = False
        self._input = Tokens()
        self._output = 0
        self._reasoning = 0
        self._result: Event = {}

    def begin_message(self, message: Event) -> None:
        """Adds the usage of a `message_start`."""
        self.model = text(message, "model") or self.model
        tokens, had = Tokens.of(child(message, "usage")), self._input
        self._input = Tokens(
            had.prompt + tokens.prompt, had.cached + tokens.cached, had.written + tokens.written
        )

    def end_message(self, event: Event) -> None:
        """Adds the usage of a `message_delta`."""
        tokens = Tokens.of(child(event, "usage"))
        self._output += tokens.output
        self._reasoning += tokens.reasoning

    def end_turn(self, result: Event) -> None:
        """Accepts the CLI's result, which may be that of a failed turn."""
        self._result = result

    def so_far(self, said: str) -> Usage:
        """Returns the usage of a turn that has no result yet."""
        return self._usage(self._input, Tokens(), said)

    def of_cut(self, said: str) -> Usage:
        """Returns the usage of a turn without an answer; its result, if any, is that of a failure."""
        ended = Tokens.of(child(self._result, "usage"))
        if ended.output and not self.is_part:
            return self._usage(ended, ended, said)
        usage = self.so_far(said)
        completion = max(usage.completion_tokens, _estimate(said))
        return replace(usage, completion_tokens=completion, estimated=True)

    def of_result(self, event: Event, said: str) -> Usage:
        """Returns the result's usage; output tokens fall back to the stream's, or an estimate."""
        self._result = event
        if self.is_part:
            return self.so_far(said)
        tokens = Tokens.of(child(event, "usage"))
        return self._usage(tokens, tokens, said)

    def _usage(self, prompt: Tokens, ended: Tokens, said: str) -> Usage:
        reported = ended.output or self._output
        return Usage(
            prompt_tokens=prompt.prompt,
            completion_tokens=reported or _estimate(said),
            cached_tokens=prompt.cached,
            estimated=not reported,
            cache_write_tokens=prompt.written,
            reasoning_tokens=ended.reasoning or self._reasoning,
            cost_usd=None if self.is_part else cost_of_turn(self._result),
        )


def cost_of_turn(result: Event) -> float | None:
    """Returns the CLI's figure for a turn in USD; None if it reports none, or knows no price."""
    models = [it for it in child(result, OF_TURN).values() if isinstance(it, dict)]
    costs = [it[COST] for it in models if isinstance(it.get(COST), int | float)]
    return float(sum(costs)) or None


def _estimate(said: str) -> int:
    return max(1, len(said) // CHARACTERS_A_TOKEN) if said else 0


def prompt_tokens(usage: Event) -> int:
    """Returns all input tokens, cached or not."""
    return (
        count(usage, "input_tokens")
        + count(usage, "cache_read_input_tokens")
        + count(usage, "cache_creation_input_tokens")
    )
