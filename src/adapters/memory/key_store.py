"""Keys of clients in memory; they end with the process."""

import secrets
from collections.abc import Callable, Sequence

from modegate.application.ports.key_store import StoredKey
from modegate.domain.access.client_key import ClientKey, DigestKey
from modegate.domain.errors.catalogue import keys as errors

DIGEST_KEY_BYTES = 32


class MemoryKeyStore:
    """Keeps the keys in a dictionary, for gateways without a state folder and for tests."""

    def __init__(self) -> None:
        self._rows: dict[str, StoredKey] = {}
        self._revision = 0
        self._digest_key = DigestKey(secrets.token_bytes(DIGEST_KEY_BYTES))

    async def digest_key(self) -> DigestKey:
        """Returns the same random secret each time."""
        return self._digest_key

    async def load(self, after: int = 0) -> Sequence[StoredKey]:
        """Returns the keys with a revision above `after`."""
        return [row for row in self._rows.values() if row.revision > after]

    async def add(self, key: ClientKey) -> StoredKey:
        """Stores a new key."""
        self._revision += 1
        stored = self._rows[key.id] = StoredKey(key, self._revision)
        return stored

    async def change(self, key_id: str, apply: Callable[[ClientKey], ClientKey]) -> StoredKey:
        """Changes a key."""
        if key_id not in self._rows:
            raise errors.unknown()
        return await self.add(apply(self._rows[key_id].key))
