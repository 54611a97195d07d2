"""The use case that reports the state of the backends."""

from collections.abc import Callable, Mapping, Sequence

from modegate.application.ports.backend_status import BackendStatus, StorageProbe
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.shared_store import SharedStore
from modegate.domain.health import (
    ArchiveState,
    CredentialsCheck,
    Health,
    StorageState,
    StoreHealth,
    StoreState,
)
from modegate.domain.store_failure import StoreFailureMode
from modegate.domain.usage.condition import LedgerCondition
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Storages:
    """Combines several storages into one probe, which is OK if all of them are."""

    probes: Sequence[StorageProbe] = ()

    def storage_state(self) -> StorageState:
        """Returns `ERROR` if any storage is in that state, else `OK`."""
        states = {probe.storage_state() for probe in self.probes}
        return StorageState.ERROR if StorageState.ERROR in states else StorageState.OK

    async def check_storage(self) -> None:
        """Checks the storages in sequence."""
        for probe in self.probes:
            await probe.check_storage()


NO_STORAGE = Storages()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHealth:
    """Reports the state of the backends and of the storage without blocking.

    `answering` has the answer backends by name; the upstreams are those of the configuration.
    `store` is the store that several gateways share, if there is one.
    `credentials` returns the state of all credentials without asking an upstream, and `ledger` that
    of the usage ledger. `transcripts` returns that of the archive; None without one.
    """

    answering: Mapping[str, BackendStatus]
    configuration: ConfigurationSource
    storage: StorageProbe = NO_STORAGE
    store: SharedStore | None = None
    store_failure_mode: StoreFailureMode = StoreFailureMode.CLOSED
    credentials: Callable[[], CredentialsCheck] = lambda: CredentialsCheck.OK
    ledger: Callable[[], LedgerCondition] = LedgerCondition
    transcripts: Callable[[], ArchiveState | None] = lambda: None

    def execute(self) -> Health:
        """Returns the last known state."""
        return Health(
            answering={name: backend.status() for name, backend in self.answering.items()},
            upstreams=self.configuration.current().routes.health(),
            storage=self.storage.storage_state(),
            credentials=self.credentials(),
            ledger=self.ledger().state,
            transcripts=self.transcripts(),
            store=None if self.store is None else self._store_health(self.store),
        )

    def _store_health(self, store: SharedStore) -> StoreHealth:
        away = StoreState.ERROR
        if self.store_failure_mode is StoreFailureMode.LOCAL:
            away = StoreState.WARN
        return StoreHealth(StoreState.OK if store.is_up else away, store.gateways)
