"""Batches: many requests in one file, which are answered when there is room for them."""

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from modegate.domain.access.client import ClientId
from modegate.domain.batches.state import TRANSITIONS, BatchState
from modegate.domain.routing.mode import Mode
from modegate.lazy_dataclass import dataclass

ID_PREFIX = "batch_mg_"
COMPLETION_WINDOW = "24h"
WINDOW_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCounts:
    """The items of a batch: all, those with an answer, and those that failed."""

    total: int = 0
    completed: int = 0
    failed: int = 0

    @property
    def finished(self) -> int:
        """The items that have a result."""
        return self.completed + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFault:
    """Why a batch failed as a whole; `line` counts from one, None if no line is meant."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch of one client; times are Unix seconds of the machine's clock.

    `mode` is the mode in which its items run, and `endpoint` the path that they ask, such as
    `/v1/chat/completions`. No item is started from `expires_at` on. `output_expires_after_s` is the
    life of its output files; None for the gateway's default. The times of states are None until the
    state is reached.
    """

    id: str
    client: ClientId
    mode: Mode
    endpoint: str
    input_file_id: str
    created_at: float
    expires_at: float
    metadata: Mapping[str, str] | None = None
    output_expires_after_s: float | None = None
    state: BatchState = BatchState.VALIDATING
    counts: BatchCounts = field(default_factory=BatchCounts)
    faults: tuple[BatchFault, ...] = ()
    output_file_id: str | None = None
    error_file_id: str | None = None
    in_progress_at: float | None = None
    finalizing_at: float | None = None
    completed_at: float | None = None
    failed_at: float | None = None
    expired_at: float | None = None
    cancelling_at: float | None = None
    cancelled_at: float | None = None

    def can_enter(self, state: BatchState) -> bool:
        """Returns whether the state may follow the present one."""
        return state in TRANSITIONS.get(self.state, frozenset())

    def entering(self, state: BatchState, now: float) -> "Batch":
        """Returns the batch in its next state.

        Raises:
            ValueError: the state may not follow the present one.
        """
        if not self.can_enter(state):
            raise ValueError(f"a batch that is {self.state} cannot become {state}")
        changed: dict[str, Any] = {"state": state, f"{state}_at": now}
        return replace(self, **changed)
