"""Token usage."""

from modegate.lazy_dataclass import dataclass


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

    def plus(self, other: "Usage") -> "Usage":
        """Returns the sum; its cost is unknown if one of the two is."""
        costs = (self.cost_usd, other.cost_usd)
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            estimated=self.estimated or other.estimated,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost_usd=None if None in costs else sum(it for it in costs if it is not None),
        )

    @property
    def total_tokens(self) -> int:
        """The sum of prompt and completion tokens."""
        return self.prompt_tokens + self.completion_tokens
