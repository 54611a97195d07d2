"""The ports for the state of the backends."""

from typing import Protocol, runtime_checkable

from modegate.domain.health import ClaudeHealth, PassthroughState, StorageState


class ClaudeStatus(Protocol):
    """Reports the state of the Claude backend, without starting a process and without waiting."""

    def status(self) -> ClaudeHealth:
        """Returns the current state."""
        ...


class PassthroughStatus(Protocol):
    """Reports the state of the passthrough backend, without opening a connection."""

    def status(self) -> PassthroughState:
        """Returns the current state."""
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
