"""The use case that reports the state of the backends."""

from collections.abc import Sequence
from dataclasses import dataclass

from modegate.application.ports.backend_status import ClaudeStatus, PassthroughStatus, StorageProbe
from modegate.domain.health import Health, StorageState


@dataclass(frozen=True, slots=True)
class Storages:
    """Several storages as one, which works where all do; without any it counts as working."""

    probes: Sequence[StorageProbe] = ()

    def storage_state(self) -> StorageState:
        """The worst of their states."""
        states = {probe.storage_state() for probe in self.probes}
        return StorageState.ERROR if StorageState.ERROR in states else StorageState.OK

    async def check_storage(self) -> None:
        """Check one after the other."""
        for probe in self.probes:
            await probe.check_storage()


NO_STORAGE = Storages()


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Reports the state of both backends and of the storage without blocking."""

    claude: ClaudeStatus
    passthrough: PassthroughStatus
    clients_may_bring_keys: bool
    storage: StorageProbe = NO_STORAGE

    def __call__(self) -> Health:
        """Returns the current state of both backends and of the storage."""
        return Health(
            claude=self.claude.status(),
            passthrough=self.passthrough.status(),
            clients_may_bring_keys=self.clients_may_bring_keys,
            storage=self.storage.storage_state(),
        )
