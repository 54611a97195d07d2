"""The use case that reports the state of the backends."""

from collections.abc import Sequence
from dataclasses import dataclass

from modegate.application.ports.backend_status import ClaudeStatus, PassthroughStatus, StorageProbe
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.domain.health import Health, StorageState


@dataclass(frozen=True, slots=True)
class Storages:
    """Several storages as one, which works where all do; without any it counts as working."""

    probes: Sequence[StorageProbe] = ()

    def storage_state(self) -> StorageState:
        """Returns the worst of their states."""
        states = {probe.storage_state() for probe in self.probes}
        return StorageState.ERROR if StorageState.ERROR in states else StorageState.OK

    async def check_storage(self) -> None:
        """Checks one after the other."""
        for probe in self.probes:
            await probe.check_storage()


NO_STORAGE = Storages()


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Reports the state of both backends and of the storage without blocking."""

    claude: ClaudeStatus
    passthrough: PassthroughStatus
    configuration: ConfigurationSource
    storage: StorageProbe = NO_STORAGE

    def execute(self) -> Health:
        """Returns the state as it is known."""
        return Health(
            claude=self.claude.status(),
            passthrough=self.passthrough.status(),
            clients_may_bring_keys=self.configuration.current().clients_may_bring_keys,
            storage=self.storage.storage_state(),
        )
