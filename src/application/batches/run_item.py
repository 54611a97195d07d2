"""The use case that runs a claimed item, and says what is to be stored of it."""

import random
from collections.abc import Callable
from dataclasses import replace

from modegate.application.batches.execute_item import ExecuteItem
from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.dialects.batch import parse_item, render_failure, render_result
from modegate.domain.batches.item import ItemResult, Retry
from modegate.domain.batches.queued_item import ClaimedItem, FinishedItem
from modegate.domain.errors import (
    AccessError,
    BusyError,
    CapacityError,
    CredentialsCoolingError,
    RateLimitError,
    SessionBusyError,
    ShuttingDownError,
    StorageError,
)
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.row import UsageRow
from modegate.lazy_dataclass import dataclass

MAX_RETRIES = 5
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 300.0
STORAGE_DELAY_S = 5.0
# Codes of errors of the gateway that say nothing about the item, so that they never fail it.
WAITS: frozenset[str] = frozenset(
    kind.code
    for kind in (
        BusyError,
        CapacityError,
        CredentialsCoolingError,
        RateLimitError,
        SessionBusyError,
        StorageError,
    )
)


class _Recorded:
    """Keeps the record of one item."""

    def __init__(self) -> None:
        self.record: RequestRecord | None = None

    def observe(self, record: RequestRecord) -> None:
        """Receives the record."""
        self.record = record


@dataclass(frozen=True, slots=True)
class DelayedItem:
    """An item that is to be run again, not before `delay_s` seconds."""

    delay_s: float


Outcome = FinishedItem | DelayedItem | None
"""What is to be stored; None if the claim remains, because the gateway is shutting down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItem:
    """Runs items for their clients.

    `row_of` returns the row of the usage ledger for a record that reached a backend. `add_row`
    enters the row of an attempt that is repeated.
    """

    execute_item: ExecuteItem
    configuration: ConfigurationSource
    clock: Clock
    row_of: Callable[[RequestRecord], UsageRow | None]
    add_row: Callable[[UsageRow], None]

    async def execute(self, claimed: ClaimedItem) -> Outcome:
        """Runs an item, and returns what is to be stored."""
        now = self.clock.time_of_day()
        keys = self.configuration.current().keys
        try:
            client = keys.client_of(claimed.client, now)
        except AccessError as error:
            return _finished(
                claimed, render_failure(claimed.item.custom_id, error.code, str(error))
            )
        except StorageError:
            return DelayedItem(STORAGE_DELAY_S)
        item, recorded = parse_item(claimed.item.line, claimed.item.number), _Recorded()
        execute = replace(self.execute_item, observers=(*self.execute_item.observers, recorded))
        result = await execute.execute(item, claimed.mode, client)
        if result.error == ShuttingDownError.code:
            return None
        row = None if recorded.record is None else self.row_of(recorded.record)
        if result.retry is not None and _may_retry(result, claimed):
            if row is not None:
                self.add_row(row)
            return DelayedItem(_delay_s(result.retry, claimed.retries))
        return _finished(claimed, render_result(result), result, row)


def _finished(
    claimed: ClaimedItem,
    line: bytes,
    result: ItemResult | None = None,
    row: UsageRow | None = None,
) -> FinishedItem:
    return FinishedItem(
        batch_id=claimed.batch_id,
        custom_id=claimed.item.custom_id,
        is_failed=result is None or not result.succeeded,
        line=line,
        usage=row,
    )


def _may_retry(result: ItemResult, claimed: ClaimedItem) -> bool:
    return claimed.retries < MAX_RETRIES or result.error in WAITS


def _delay_s(retry: Retry, retries: int) -> float:
    """Returns the seconds that were asked for, or a growing random delay."""
    if retry.after_s is not None:
        return min(max(retry.after_s, 0.0), LONGEST_DELAY_S)
    most = min(FIRST_DELAY_S * 2.0 ** min(retries, 10), LONGEST_DELAY_S)
    return random.uniform(most / 2, most)  # noqa: S311 - no secret
