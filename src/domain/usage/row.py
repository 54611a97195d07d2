"""One row of the usage ledger: a request that reached a backend."""

from operator import attrgetter
from typing import NamedTuple
from zlib import crc32

from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import FailedAttempt, RequestRecord
from modegate.domain.routing.mode import Mode
from modegate.domain.routing.route import CLAUDE

# A row's id is its time in Unix milliseconds, and a number below 2**21. So ids sort by time, and
# fit the 63 bits of a SQLite row id until the year 2109.
NUMBER_BITS = 21
MAX_ID = 2**63 - 1
NUMBERS = 1 << NUMBER_BITS
FIRST_ERROR_STATUS = 400
NANO = 1_000_000_000
# An upstream may report any number. These keep every sum within 63 bits.
TOKEN_BITS = 34
MAX_TOKENS = (1 << TOKEN_BITS) - 1
MAX_COST_USD = 10_000.0


class UsageRow(NamedTuple):
    """A request that reached a backend; holds no text of the client or the model.

    `id` is unique and begins with the time of the request's end. `key` is the id of the client's
    key. The seven fields after `id` are the dimensions of sums. `model` is the model that the client
    asked for, `endpoint` the template of the route. `cost_nano_usd` is None if no price is known: an
    integer, so that sums do not drift. A client may send the same `request_id` again.
    """

    id: int
    key: str | None = None
    model: str | None = None
    used_model: str | None = None
    upstream: str | None = None
    credential: str | None = None
    mode: str | None = None
    endpoint: str | None = None
    request_id: str | None = None
    session: str | None = None
    conversation: str | None = None
    agent: str | None = None
    parent_agent: str | None = None
    subagent: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nano_usd: int | None = None
    price_version: str | None = None
    status: int = 200
    error: str | None = None
    seconds: float = 0.0
    first_token_s: float | None = None
    estimated: bool = False
    attempts: tuple[FailedAttempt, ...] = ()

    @property
    def time_ms(self) -> int:
        """The end of the request in Unix milliseconds."""
        return self.id >> NUMBER_BITS

    @property
    def is_error(self) -> bool:
        """Whether the request failed, or its answer was cut."""
        return self.status >= FIRST_ERROR_STATUS or self.error is not None

    @property
    def is_unpriced(self) -> bool:
        """Whether the request may have cost something, and no price is known."""
        used = self.status < FIRST_ERROR_STATUS or self.prompt_tokens + self.completion_tokens > 0
        return self.cost_nano_usd is None and used


def row_id(at_s: float, number: int) -> int:
    """Returns the id of a row that ended at `at_s` in Unix seconds; `number` may be any integer."""
    return int(at_s * 1000) << NUMBER_BITS | number % NUMBERS


def next_id(row: UsageRow) -> int:
    """Returns the id to try next for a row whose id belongs to another row, in the same millisecond.

    It depends on nothing but the row, so that importing the row again finds it. The step does too:
    with a step of one, gateways with the same sequence of ids would walk over each other's rows.
    """
    step = crc32("\0".join(map(str, row[1:])).encode(errors="replace")) | 1
    return row.time_ms << NUMBER_BITS | (row.id + step) % NUMBERS


def first_id(time_ms: int) -> int:
    """Returns the smallest id of a millisecond; after 2109 the largest that a database has."""
    return min(time_ms << NUMBER_BITS, MAX_ID)


# Attributes that are copied as they are. `attrgetter` and `_make` cost a third of 27 lookups and the
# constructor.
_NAMES = attrgetter(
    *("key_id", "model", "used_model", "upstream", "credential", "mode", "route", "request_id"),
    *("session", "conversation", "agent", "parent_agent", "subagent"),
)
_OUTCOME = attrgetter("price_version", "status", "error", "seconds", "first_token")
_TOKENS = attrgetter(
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens"),
    "reasoning_tokens",
)
_NO_TOKENS = (0, 0, 0, 0, 0)


def row_of(record: RequestRecord, new_id: int) -> UsageRow:
    """Returns the row of a request that has ended."""
    usage, cost, attempts = record.usage, record.cost_usd, record.attempts
    names = _NAMES(record)
    if record.upstream is None and record.mode == Mode.CLAUDE_CODE:
        names = (*names[:3], CLAUDE, CLAUDE, *names[5:])  # as the admin API calls them
    return UsageRow._make(
        (
            new_id,
            *names,
            *(_NO_TOKENS if usage is None else _tokens(usage)),
            None if cost is None else _nano(cost),
            *_OUTCOME(record),
            usage is not None and usage.estimated,
            () if attempts is None else tuple(attempts),
        )
    )


def _tokens(usage: Usage) -> tuple[int, ...]:
    found: tuple[int, ...] = _TOKENS(usage)
    prompt, cached, written, completion, reasoning = found
    if (
        prompt | cached | written | completion | reasoning
    ) >> TOKEN_BITS:  # also if one is negative
        return tuple(min(max(it, 0), MAX_TOKENS) for it in found)
    return found


def _nano(cost_usd: float) -> int | None:
    return round(cost_usd * NANO) if 0 <= cost_usd <= MAX_COST_USD else None
