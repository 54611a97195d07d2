"""The ports for the state of the backends and their storage."""

from typing import Protocol, runtime_checkable

from modegate.domain.health import ClaudeHealth, StorageState


class BackendStatus(Protocol):
    """Reports the state of an answer backend; never starts a process, never waits."""

    def status(self) -> ClaudeHealth:
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
