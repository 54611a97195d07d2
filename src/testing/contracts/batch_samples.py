"""Batches, items and results for tests of a `BatchQueue`."""

import time
from collections.abc import Sequence

from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import FinishedItem, QueuedItem
from modegate.domain.batches.state import BatchState
from modegate.domain.request_record import FailedAttempt
from modegate.domain.routing.mode import Mode
from modegate.domain.usage.row import UsageRow, row_id

# The lease of the queue under test, in seconds.
LEASE_S = 30.0
CLIENT = ClientId("client")
W1, W2 = "worker-1", "worker-2"


def batch(number: int = 1, *, client: ClientId = CLIENT, expires_in: float = 86_400.0) -> Batch:
    """Returns a new batch."""
    now = time.time()
    return Batch(
        id=f"batch_mg_{number:032x}",
        client=client,
        mode=Mode.CLAUDE_CODE,
        endpoint="/v1/chat/completions",
        input_file_id="file-mg_1",
        created_at=now + number,
        expires_at=now + expires_in,
        metadata={"job": "nightly"},
    )


def items(count: int, start: int = 1) -> Sequence[QueuedItem]:
    """Returns items with the custom ids `item-1`, `item-2` and so on."""
    return [
        QueuedItem(it, f"item-{it}", b'{"custom_id": "item-%d"}' % it)
        for it in range(start, start + count)
    ]


def usage(number: int) -> UsageRow:
    """Returns a row of the usage ledger."""
    return UsageRow(
        id=row_id(time.time(), number),
        key="key_a",
        request_id=f"request-{number}",
        prompt_tokens=number,
        cost_nano_usd=number,
        attempts=(FailedAttempt("first", "rate_limit_exceeded", 429, 0.5),),
    )


def result(
    batch_id: str, custom_id: str, *, is_failed: bool = False, row: UsageRow | None = None
) -> FinishedItem:
    """Returns the result of an item, whose line has the custom id."""
    return FinishedItem(
        batch_id=batch_id,
        custom_id=custom_id,
        is_failed=is_failed,
        line=custom_id.encode(),
        usage=row,
    )


def entered(state: BatchState, batch: Batch) -> Batch:
    """Returns the batch in its next state."""
    return batch.entering(state, time.time())
