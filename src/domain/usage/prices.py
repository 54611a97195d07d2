"""Prices of tokens, and what a usage costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import date

from modegate.domain.answer.usage import Usage
from modegate.lazy_dataclass import dataclass

# Prices are for so many tokens.
TOKENS = 1_000_000
PATTERN_MARK = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens; without a price for cached or written tokens, they cost as `input`.

    `above` has the prices of long prompts: each with the prompt tokens above which it applies to
    the whole request, in ascending order.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    above: tuple[tuple[int, "Price"], ...] = ()

    def cost(self, usage: Usage) -> float:
        """Returns the cost of an answer in USD."""
        for threshold, price in reversed(self.above):
            if usage.prompt_tokens > threshold:
                return price.cost(usage)
        cached, written = usage.cached_tokens, usage.cache_write_tokens
        total = (usage.prompt_tokens - cached - written) * self.input
        total += usage.completion_tokens * self.output
        if cached:
            total += cached * (self.input if self.cached_input is None else self.cached_input)
        if written:
            total += written * (self.input if self.cache_write is None else self.cache_write)
        return total / TOKENS


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """A price from the beginning of a day in UTC; always if `since` is None."""

    price: Price
    since: date | None = None


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The operator's prices by model: exact names, and prefixes that end with `*`."""

    rows: Mapping[str, Sequence[DatedPrice]] = field(default_factory=dict)
    _patterns: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [name.removesuffix(PATTERN_MARK) for name in self.rows if _is_pattern(name)]
        object.__setattr__(self, "_patterns", tuple(sorted(starts, key=len, reverse=True)))

    def find(self, models: Iterable[str], today: date) -> Price | None:
        """Returns the price of the first model that has one: an exact name, or the longest pattern.

        A row without a price for `today` is skipped.
        """
        for model in models:
            for name in self._names(model):
                if (price := _on(self.rows[name], today)) is not None:
                    return price
        return None

    def _names(self, model: str) -> Iterable[str]:
        if model in self.rows:
            yield model
        for start in self._patterns:
            if model.startswith(start):
                yield start + PATTERN_MARK


def _is_pattern(name: str) -> bool:
    return name.endswith(PATTERN_MARK)


def _on(prices: Sequence[DatedPrice], today: date) -> Price | None:
    begun = [it for it in prices if it.since is None or it.since <= today]
    return max(begun, key=lambda it: it.since or date.min).price if begun else None
