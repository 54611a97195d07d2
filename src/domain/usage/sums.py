"""Sums over rows of the usage ledger."""

from typing import NamedTuple

from modegate.domain.usage.row import UsageRow


class Sums(NamedTuple):
    """Sums over requests; costs in billionths of a USD, so that they are exact.

    `priced` are the requests with a known cost, `unpriced` those that may have cost something.
    """

    requests: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nano_usd: int = 0
    priced: int = 0
    unpriced: int = 0
    estimated: int = 0

    @classmethod
    def of(cls, row: UsageRow) -> "Sums":
        """Returns the sums of one row."""
        cost = row.cost_nano_usd
        return cls(
            1,
            int(row.is_error),
            row.prompt_tokens,
            row.cached_tokens,
            row.cache_write_tokens,
            row.completion_tokens,
            row.reasoning_tokens,
            cost or 0,
            int(cost is not None),
            int(row.is_unpriced),
            int(row.estimated),
        )

    def plus(self, other: "Sums") -> "Sums":
        """Returns the sums of both."""
        return Sums._make(a + b for a, b in zip(self, other, strict=True))

    @property
    def total_tokens(self) -> int:
        """The sum of prompt and completion tokens."""
        return self.prompt_tokens + self.completion_tokens


class UsageGroup(NamedTuple):
    """The sums of one group; `values` has one value for each group of the query.

    Days and hours are numbers since 1970-01-01, in UTC.
    """

    values: tuple[str | int | None, ...]
    sums: Sums
