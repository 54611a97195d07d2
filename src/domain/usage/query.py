"""Questions to the usage ledger."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType

from modegate.domain.usage.row import UsageRow
from modegate.lazy_dataclass import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Group(StrEnum):
    """What the rows of an answer are grouped by; all but `DAY` and `HOUR` can also be filters."""

    KEY = "key"
    MODEL = "model"
    USED_MODEL = "used_model"
    UPSTREAM = "upstream"
    CREDENTIAL = "credential"
    MODE = "mode"
    ENDPOINT = "endpoint"
    SESSION = "session"
    DAY = "day"
    HOUR = "hour"

    def of(self, row: UsageRow) -> str | int | None:
        """Returns the row's value; `DAY` and `HOUR` are numbers since 1970-01-01, in UTC."""
        if self is Group.DAY:
            return row.time_ms // DAY_MS
        if self is Group.HOUR:
            return row.time_ms // HOUR_MS
        value: str | None = getattr(row, self)
        return value or None


PERIODS = frozenset({Group.DAY, Group.HOUR})
FILTERS: tuple[Group, ...] = tuple(it for it in Group if it not in PERIODS)
# A client sees its own requests, and nothing of the gateway's upstreams.
CLIENT_GROUPS: tuple[Group, ...] = (
    Group.MODEL,
    Group.USED_MODEL,
    Group.MODE,
    Group.SESSION,
    Group.ENDPOINT,
    Group.DAY,
    Group.HOUR,
)
CLIENT_FILTERS: tuple[Group, ...] = tuple(it for it in CLIENT_GROUPS if it in FILTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """Asks for the sums from `start_ms` until before `end_ms`, in Unix milliseconds.

    `filters` has the only value that counts for some groups. Without `groups`, all is one sum.
    """

    start_ms: int
    end_ms: int
    groups: tuple[Group, ...] = ()
    filters: Mapping[Group, str] = field(default_factory=lambda: MappingProxyType({}))

    def matches(self, row: UsageRow) -> bool:
        """Returns whether the row counts."""
        return self.start_ms <= row.time_ms < self.end_ms and all(
            group.of(row) == value for group, value in self.filters.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsQuery:
    """Asks for the last requests, at most `limit`.

    `statuses` are the first and the last HTTP status.
    """

    limit: int
    since_ms: int = 0
    statuses: tuple[int, int] | None = None
    key: str | None = None
    request_id: str | None = None

    def matches(self, row: UsageRow) -> bool:
        """Returns whether the row is asked for."""
        first, last = self.statuses or (row.status, row.status)
        return (
            row.time_ms >= self.since_ms
            and first <= row.status <= last
            and self.key in {None, row.key}
            and self.request_id in {None, row.request_id}
        )
