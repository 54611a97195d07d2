"""Bounds the CLI's own waits between retries of the API, without I/O."""

from modegate.adapters.claude_cli.protocol.events import Event, count, number
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """The bounds of one turn: total seconds of waiting, and number of retries."""

    seconds: float = 5.0
    retries: int = 2


class OwnWaits:
    """Sums the waits of one turn that the CLI announces in `api_retry`."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._waited = 0.0

    def is_too_long(self, event: Event) -> bool:
        """Adds the announced wait; returns whether the turn now exceeds its bounds."""
        self._waited += number(event, "retry_delay_ms") / 1000
        return (
            self._waited > self._patience.seconds
            or count(event, "attempt") > self._patience.retries
        )
