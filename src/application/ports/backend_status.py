"""The ports for the state of the backends."""

from typing import Protocol, runtime_checkable

from modegate.domain.health import ClaudeHealth, PassthroughState, StorageState


class ClaudeStatus(Protocol):
    """Reports the state of the Claude backend; never starts a process, never waits."""

    def status(self) -> ClaudeHealth:
        """Returns the current state."""
        ...


class PassthroughStatus(Protocol):
    """Reports the state of the passthrough backend; never opens a connection."""

    def status(self) -> PassthroughState:
        """Returns the current state."""
        ...


@runtime_checkable
class StorageProbe(Protocol):
    """Reports whether the storage for sessions is writable."""

    def storage_state(self) -> StorageState:
        """Returns the outcome of the last write; does not write."""
        ...

    async def check_storage(self) -> None:
        """Attempts a write; never raises."""
        ...
