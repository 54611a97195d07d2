"""The ports for the state of the backends."""

from typing import Protocol

from modegate.domain.health import ClaudeHealth, PassthroughState


class ClaudeProbe(Protocol):
    """Reports the state of the Claude backend, without starting a process and without waiting."""

    def look(self) -> ClaudeHealth:
        """Returns the current state."""
        ...


class PassthroughProbe(Protocol):
    """Reports the state of the passthrough backend, without opening a connection."""

    def look(self) -> PassthroughState:
        """Returns the current state."""
        ...
