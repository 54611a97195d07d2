"""The contract suite of key stores, run on the memory store and on broken fakes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.contracts import duties_of, expect_failure

from modegate.adapters.memory.key_store import MemoryKeyStore
from modegate.application.ports.key_store import StoredKey
from modegate.domain.access.client_key import ClientKey, DigestKey
from modegate.domain.errors import GatewayError
from modegate.testing.contracts.key_store import BARE, KeyStoreContract

Change = Callable[[ClientKey], ClientKey]


class TestMemoryKeyStore(KeyStoreContract):
    @asynccontextmanager
    async def store(self) -> AsyncIterator[MemoryKeyStore]:
        yield MemoryKeyStore()


class Full(MemoryKeyStore):
    def __init__(self) -> None:
        super().__init__()
        self._rows["left"] = StoredKey(BARE, 1)


class Forgetful(MemoryKeyStore):
    async def add(self, key: ClientKey) -> StoredKey:
        return await super().add(replace(key, old_until=None))


class ChangesAll(MemoryKeyStore):
    async def change(self, key_id: str, apply: Change) -> StoredKey:
        for other in set(self._rows) - {key_id}:
            await super().change(other, apply)
        return await super().change(key_id, apply)


class Creating(MemoryKeyStore):
    async def change(self, key_id: str, apply: Change) -> StoredKey:
        self._rows.setdefault(key_id, StoredKey(BARE, 1))
        return await super().change(key_id, apply)


class Removing(MemoryKeyStore):
    async def change(self, key_id: str, apply: Change) -> StoredKey:
        try:
            return await super().change(key_id, apply)
        except GatewayError:
            self._rows.clear()
            raise


class Losing(MemoryKeyStore):
    async def change(self, key_id: str, apply: Change) -> StoredKey:
        if key_id not in self._rows:
            return await super().change(key_id, apply)
        changed = apply(self._rows[key_id].key)
        await asyncio.sleep(0)
        return await self.add(changed)


class OneRevision(MemoryKeyStore):
    async def add(self, key: ClientKey) -> StoredKey:
        self._revision = 0
        return await super().add(key)


class LoadsAll(MemoryKeyStore):
    async def load(self, after: int = 0) -> Sequence[StoredKey]:
        del after
        return await super().load()


class AlwaysNew(MemoryKeyStore):
    async def digest_key(self) -> DigestKey:
        return DigestKey(secrets.token_bytes(8))


class Unkeyed(MemoryKeyStore):
    async def digest_key(self) -> DigestKey:
        return DigestKey(b"")


BROKEN: Mapping[str, type[MemoryKeyStore]] = {
    "test_a_new_store_is_empty": Full,
    "test_all_fields_of_a_key_are_stored": Forgetful,
    "test_a_change_replaces_the_key": ChangesAll,
    "test_an_unknown_id_cannot_be_changed": Creating,
    "test_a_refused_change_changes_nothing": Removing,
    "test_no_change_is_lost_among_others_at_once": Losing,
    "test_each_change_has_a_later_revision": OneRevision,
    "test_load_returns_only_what_changed_after_a_revision": LoadsAll,
    "test_the_digest_key_stays_the_same": AlwaysNew,
    "test_each_store_has_another_digest_key": Unkeyed,
}


def test_every_duty_has_a_broken_store() -> None:
    assert set(BROKEN) == duties_of(KeyStoreContract)


@pytest.mark.parametrize(("duty", "broken"), BROKEN.items())
async def test_a_broken_store_fails_its_duty(duty: str, broken: type[MemoryKeyStore]) -> None:
    class Suite(KeyStoreContract):
        @asynccontextmanager
        async def store(self) -> AsyncIterator[MemoryKeyStore]:
            yield broken()

    await expect_failure(getattr(Suite(), duty))
