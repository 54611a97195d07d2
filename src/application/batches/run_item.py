"""The use case that runs a claimed item, and stores its result."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from modegate.application.batches.execute_item import ExecuteItem
from modegate.application.ports.batch_queue import BatchQueue
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItem:
    """Runs items for their clients.

    `row_of` returns the row of the usage ledger for a record that reached a backend. `add_row`
    enters the row of an attempt that is repeated.
    """

    queue: BatchQueue
    execute_item: ExecuteItem
    configuration: ConfigurationSource
    clock: Clock
    row_of: Callable[[RequestRecord], UsageRow | None]
    add_row: Callable[[UsageRow], None]

    async def execute(self, worker: str, claimed: ClaimedItem) -> bool:
        """Runs an item; returns False if the claim remains, because the gateway is shutting down.

        Raises:
            StorageError: the queue cannot be written; the claim remains.
        """
        now = self.clock.time_of_day()
        keys = self.configuration.current().keys
        try:
            client = keys.client_of(claimed.client, now)
        except AccessError as error:
            await self._finish(
                claimed, render_failure(claimed.item.custom_id, error.code, str(error))
            )
            return True
        except StorageError:
            await self._retry(worker, claimed, STORAGE_DELAY_S)
            return True
        item, recorded = parse_item(claimed.item.line, claimed.item.number), _Recorded()
        execute = replace(self.execute_item, observers=(*self.execute_item.observers, recorded))
        result = await execute.execute(item, claimed.mode, client)
        if result.error == ShuttingDownError.code:
            return False
        row = None if recorded.record is None else self.row_of(recorded.record)
        if result.retry is not None and _may_retry(result, claimed):
            if row is not None:
                self.add_row(row)
            await self._retry(worker, claimed, _delay_s(result.retry, claimed.retries))
            return True
        await self._finish(claimed, render_result(result), result, row)
        return True

    async def _retry(self, worker: str, claimed: ClaimedItem, delay_s: float) -> None:
        await self.queue.retry(worker, claimed.batch_id, claimed.item.custom_id, delay_s)

    async def _finish(
        self,
        claimed: ClaimedItem,
        line: bytes,
        result: ItemResult | None = None,
        row: UsageRow | None = None,
    ) -> None:
        await self.queue.finish(
            FinishedItem(
                batch_id=claimed.batch_id,
                custom_id=claimed.item.custom_id,
                is_failed=result is None or not result.succeeded,
                line=line,
                usage=row,
            )
        )


def _may_retry(result: ItemResult, claimed: ClaimedItem) -> bool:
    return claimed.retries < MAX_RETRIES or result.error in WAITS


def _delay_s(retry: Retry, retries: int) -> float:
    """Returns the seconds that were asked for, or a growing random delay."""
    if retry.after_s is not None:
        return min(max(retry.after_s, 0.0), LONGEST_DELAY_S)
    most = min(FIRST_DELAY_S * 2.0 ** min(retries, 10), LONGEST_DELAY_S)
    return random.uniform(most / 2, most)  # noqa: S311 - no secret
