"""The ports for the state of the backends and their storage."""

from typing import Protocol, runtime_checkable

from modegate.domain.health import ArchiveState, ClaudeHealth, StorageState


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


class ArchiveProbe(Protocol):
    """Reports whether the archive of transcripts, which several gateways share, can be used."""

    def archive_state(self) -> ArchiveState | None:
        """Returns the outcome of the last use; None without an archive."""
        ...

    async def check_archive(self) -> None:
        """Attempts a write; never raises."""
        ...
