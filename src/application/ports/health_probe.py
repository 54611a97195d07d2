"""What the backends say of themselves."""

from typing import Protocol, runtime_checkable

from modegate.domain.health import ClaudeHealth, PassthroughState, StorageState


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


@runtime_checkable
class StorageProbe(Protocol):
    """Knows whether what sessions need can be written."""

    def storage_state(self) -> StorageState:
        """The outcome of the last write, without another one."""
        ...

    async def check_storage(self) -> None:
        """Tries a write; never raises."""
        ...
