"""The managed keys in memory: loaded from a store, and part of the configuration."""

from collections.abc import Callable, Sequence

from modegate.application.ports.configuration_source import ReplaceableSource
from modegate.application.ports.key_store import KeyStore, StoredKey
from modegate.domain.access.client_key import ClientKey, DigestKey
from modegate.domain.access.key_ring import NO_KEYS, KeyRing, ManagedKeys
from modegate.domain.errors import GatewayError


class KeyRegistry:
    """Sets the managed keys in the configuration, which is all that requests read.

    A key that is changed here is in force when the call returns. `merge` takes over the changes of
    other processes with the same store.
    """

    def __init__(self, store: KeyStore, configuration: ReplaceableSource) -> None:
        self._store = store
        self._configuration = configuration
        self._digest_key: DigestKey | None = None
        self._revisions: dict[str, int] = {}
        self._merged = 0

    @property
    def ring(self) -> KeyRing:
        """The present keys, those of the settings included."""
        return self._configuration.current().keys

    async def load(self) -> None:
        """Reads all keys. While that is impossible, no client is anonymous.

        Raises:
            StorageError: the store cannot be read.
        """
        try:
            await self.merge()
        except GatewayError:
            if self.ring.managed is None:
                self._publish(ManagedKeys(NO_KEYS.digest_key, {}, {}, is_complete=False))
            raise

    async def merge(self) -> None:
        """Takes over what was stored since the last call.

        Raises:
            StorageError: the store cannot be read.
        """
        changed = await self._store.load(self._merged)
        if changed:
            await self.digest_key()
            self._take_over(changed)
            self._merged = max(self._merged, *(it.revision for it in changed))
        elif (managed := self.ring.managed) is not None and not managed.is_complete:
            self._publish(None)

    async def digest_key(self) -> DigestKey:
        """Returns what the digests of managed keys are made with.

        Raises:
            StorageError: it cannot be read or made.
        """
        if self._digest_key is None:
            self._digest_key = await self._store.digest_key()
        return self._digest_key

    async def add(self, key: ClientKey) -> None:
        """Stores a new key.

        Raises:
            StorageError: the store cannot be written.
        """
        self._take_over([await self._store.add(key)])

    async def change(self, key_id: str, apply: Callable[[ClientKey], ClientKey]) -> ClientKey:
        """Changes a key as `KeyStore.change` does, and returns it.

        Raises:
            KeyNotFoundError: no managed key has this id.
            StorageError: the store cannot be written.
        """
        stored = await self._store.change(key_id, apply)
        await self.digest_key()
        self._take_over([stored])
        return stored.key

    def _take_over(self, stored: Sequence[StoredKey]) -> None:
        """Publishes keys, unless a later revision of them is known."""
        assert self._digest_key is not None  # noqa: S101 - read before
        newer = [it for it in stored if it.revision > self._revisions.get(it.key.id, 0)]
        self._revisions |= {it.key.id: it.revision for it in newer}
        before = self.ring.managed
        if before is None or not before.is_complete:
            before = ManagedKeys(self._digest_key, {}, {})
        self._publish(before.changed(it.key for it in newer))

    def _publish(self, managed: ManagedKeys | None) -> None:
        source = self._configuration
        source.replace_keys(source.current().keys.with_managed(managed))
