"""Batches as rows of a database: what statements compare is in columns, the rest is JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import Batch, BatchCounts, BatchFault
from modegate.domain.batches.state import BatchState
from modegate.domain.routing.mode import Mode

COLUMNS = (
    *("id", "client", "created_at", "expires_at", "state", "total", "completed", "failed"),
    "fields",
)
HAVE_COLUMNS = frozenset({"id", "client", "created_at", "expires_at", "state", "counts"})


def fields_of(batch: Batch) -> str:
    """Returns the fields of a batch that have no column."""
    return json.dumps({name: it for name, it in asdict(batch).items() if name not in HAVE_COLUMNS})


def batch_of(row: Sequence[Any]) -> Batch:
    """Returns the batch in a row of `COLUMNS`."""
    batch_id, client, created_at, expires_at, state, total, completed, failed, text = row
    fields = json.loads(text)
    fields["mode"] = Mode(fields["mode"])
    fields["faults"] = tuple(BatchFault(**it) for it in fields["faults"])
    return Batch(
        id=batch_id,
        client=ClientId(client),
        created_at=created_at,
        expires_at=expires_at,
        state=BatchState(state),
        counts=BatchCounts(total=total, completed=completed, failed=failed),
        **fields,
    )
