"""Token usage."""

from dataclasses import dataclass


@dataclass(slots=True)  # not frozen: created for each request
class Usage:
    """Tokens of one answer. `cached_tokens` and `cache_write_tokens` are parts of `prompt_tokens`.

    They were read from a cache, and written to one. `reasoning_tokens` is a part of
    `completion_tokens`. `estimated` marks tokens that the backend did not report. `cost_usd` is the
    backend's own figure, None if it reports none.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None

    @property
    def total_tokens(self) -> int:
        """The sum of prompt and completion tokens."""
        return self.prompt_tokens + self.completion_tokens
