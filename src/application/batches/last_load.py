"""How much there is to do for batches, as of the last look."""

from modegate.domain.batches.queued_item import QueueLoad


class LastLoad:
    """Holds the load that the runner has seen last, for readers that must not block."""

    def __init__(self) -> None:
        self.value = QueueLoad()

    def get(self) -> QueueLoad:
        """Returns the load."""
        return self.value
