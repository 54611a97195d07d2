"""The items of a batch in the queue: one for each line of its input file."""

from dataclasses import field

from modegate.domain.access.client import ClientId
from modegate.domain.routing.mode import Mode
from modegate.domain.usage.row import UsageRow
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """One request; `number` is that of its line, from one, and `line` the line without its end.

    `custom_id` is unique within the batch.
    """

    number: int
    custom_id: str
    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedItem:
    """An item that a worker runs; `retries` counts the earlier attempts that failed."""

    batch_id: str
    client: ClientId
    mode: Mode
    endpoint: str
    item: QueuedItem
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedItem:
    """An item with its result: a line of the output file, or of the error file if it failed.

    `line` has its line break. `usage` is the row of the usage ledger for it; None if it used nothing.
    """

    batch_id: str
    custom_id: str
    is_failed: bool
    line: bytes = field(repr=False)
    usage: UsageRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedItem:
    """An item in a list: `line` is the line of its result, None without one."""

    number: int
    custom_id: str
    is_failed: bool = False
    line: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemUsage:
    """The usage of an item that is to be entered into the usage ledger."""

    batch_id: str
    custom_id: str
    row: UsageRow


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """The items of all batches in progress: those that wait, and those that run."""

    waiting: int = 0
    running: int = 0
