"""The port for the keys of clients that are made while the gateway runs."""

from collections.abc import Callable, Sequence
from typing import Protocol

from modegate.domain.access.client_key import ClientKey, DigestKey
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as stored; `revision` grows with each change of any key."""

    key: ClientKey
    revision: int


class KeyStore(Protocol):
    """Stores keys without their secrets; several gateways may share a store. No key is removed."""

    async def digest_key(self) -> DigestKey:
        """Returns what the digests of this store are made with; it is made on the first call.

        Raises:
            StorageError: it cannot be read or made.
        """
        ...

    async def load(self, after: int = 0) -> Sequence[StoredKey]:
        """Returns the keys with a revision above `after`, in any order.

        Raises:
            StorageError: the store cannot be read.
        """
        ...

    async def add(self, key: ClientKey) -> StoredKey:
        """Stores a new key.

        When it returns, the key survives the end of the process, if the store outlives processes at
        all. A cancellation does not interrupt the write.

        Raises:
            StorageError: the store cannot be written.
        """
        ...

    async def change(self, key_id: str, apply: Callable[[ClientKey], ClientKey]) -> StoredKey:
        """Replaces a key by what `apply` returns for it, with a new revision.

        No other change happens in between. What `apply` raises is raised, and nothing is changed.
        Durable as `add`.

        Raises:
            KeyNotFoundError: no key has this id.
            StorageError: the store cannot be written.
        """
        ...
