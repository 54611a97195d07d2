"""What the backends say of themselves."""

from typing import Protocol

from modegate.domain.health import ClaudeHealth, PassthroughState


class ClaudeProbe(Protocol):
    """Looks at the Claude backend, without starting anything and without waiting."""

    def look(self) -> ClaudeHealth:
        """Its state at this moment."""
        ...


class PassthroughProbe(Protocol):
    """Looks at the passthrough backend, without a connection."""

    def look(self) -> PassthroughState:
        """Its state at this moment."""
        ...
