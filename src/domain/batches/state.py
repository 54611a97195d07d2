"""The states of a batch, with OpenAI's names."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class BatchState(StrEnum):
    """What happens to a batch at present.

    `VALIDATING`: its input file is read. `IN_PROGRESS`: its items run. `CANCELLING`: items that run
    already still end. `FINALIZING`: its output files are written. The others are final.
    """

    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the batch."""
        return self not in TRANSITIONS


TRANSITIONS: Mapping[BatchState, frozenset[BatchState]] = MappingProxyType(
    {
        BatchState.VALIDATING: frozenset(
            {BatchState.IN_PROGRESS, BatchState.FAILED, BatchState.CANCELLING}
        ),
        BatchState.IN_PROGRESS: frozenset({BatchState.FINALIZING, BatchState.CANCELLING}),
        BatchState.FINALIZING: frozenset({BatchState.COMPLETED, BatchState.EXPIRED}),
        BatchState.CANCELLING: frozenset({BatchState.CANCELLED}),
    }
)
"""The states that may follow each state."""
