"""The lifecycle of a turn as a state machine, without I/O."""

from modegate.adapters.claude_cli.turns.disposition import Disposition, TurnFacts, dispose
from modegate.adapters.claude_cli.turns.states import (
    ENDS,
    OPEN,
    TRANSITIONS,
    WITH_SLOT,
    WITHOUT_SLOT,
    TurnEvent,
    TurnState,
)


class InvalidTransitionError(RuntimeError):
    """An event that cannot happen in the turn's state."""


class TurnLifecycle:
    """Tracks a turn's state, and decides what its end does.

    `end` is the first of the four ends that the turn reached; None until then.
    """

    def __init__(self) -> None:
        self.state = TurnState.QUEUED
        self.end: TurnState | None = None
        self.holds_slot = False

    @property
    def is_open(self) -> bool:
        """Whether the turn has not ended."""
        return self.state in OPEN

    def transition(self, event: TurnEvent) -> bool:
        """Changes the state; returns whether this event ended the turn.

        Raises:
            InvalidTransitionError: the event cannot happen in this state.
        """
        after = TRANSITIONS[self.state].get(event)
        if after is None:
            raise InvalidTransitionError(f"{event.name} in state {self.state.name}")
        has_ended = self.is_open and after in ENDS
        self.end = after if has_ended else self.end
        self.holds_slot = after in WITH_SLOT or (self.holds_slot and after not in WITHOUT_SLOT)
        self.state = after
        return has_ended

    def disposition(self, facts: TurnFacts) -> Disposition:
        """Returns what to do with the process and the conversation.

        Raises:
            InvalidTransitionError: the turn has not ended.
        """
        if self.end is None:
            raise InvalidTransitionError(f"state {self.state.name} is no end")
        return dispose(self.end, facts).then
