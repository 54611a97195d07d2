"""How long the CLI may wait by itself before it asks the API again; without I/O."""

from dataclasses import dataclass

from modegate.adapters.claude_cli.protocol.events import Event, count, number


@dataclass(frozen=True, slots=True)
class Patience:
    """The bounds of one turn: seconds in all, and how often."""

    seconds: float = 5.0
    retries: int = 2


class OwnWaits:
    """Adds up the waits of one turn, as the CLI announces them in `api_retry`."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._waited = 0.0

    def is_too_long(self, event: Event) -> bool:
        """Whether the wait that the event announces is beyond what is left."""
        self._waited += number(event, "retry_delay_ms") / 1000
        return (
            self._waited > self._patience.seconds
            or count(event, "attempt") > self._patience.retries
        )
