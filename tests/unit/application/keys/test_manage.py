"""The life of a managed key."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from modegate.adapters.memory.configuration_source import MemoryConfigurationSource
from modegate.adapters.memory.key_store import MemoryKeyStore
from modegate.application.keys.fields import read_fields
from modegate.application.keys.manage import ManageKeys
from modegate.application.keys.registry import KeyRegistry
from modegate.application.ports.key_store import StoredKey
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client_key import KeyState
from modegate.domain.access.key_ring import KeyRing
from modegate.domain.configuration import Configuration
from modegate.domain.errors import (
    InvalidKeyError,
    InvalidRequestError,
    KeyNotFoundError,
    KeyReadOnlyError,
    StorageError,
)
from modegate.domain.errors.catalogue import storage
from modegate.testing.clock import FakeClock

PLAIN = ApiKey("sk-plain-0123456789")


class Process:
    """One gateway process on a store that others may share."""

    def __init__(self, store: MemoryKeyStore, *keys: ApiKey) -> None:
        self.source = MemoryConfigurationSource(Configuration(keys=KeyRing(keys)))
        self.clock = FakeClock()
        self.registry = KeyRegistry(store, self.source)
        self.keys = ManageKeys(registry=self.registry, clock=self.clock)

    def identify(self, secret: ApiKey) -> Any:
        ring = self.source.current().keys
        return ring.identify(f"Bearer {secret.reveal()}", None, self.clock.time_of_day)

    async def create(self, **fields: object) -> Any:
        return await self.keys.create(read_fields({"name": "a", **fields}))


@pytest.fixture
def store() -> MemoryKeyStore:
    return MemoryKeyStore()


@pytest.fixture
def process(store: MemoryKeyStore) -> Process:
    return Process(store, PLAIN)


async def test_a_new_key_is_in_force_at_once(process: Process) -> None:
    made = await process.create(rpm=5)
    assert process.identify(made.secret).key_id == made.key.id
    assert made.secret.reveal().startswith("sk-mg-")
    assert len(made.secret.reveal()) >= len("sk-mg-") + 32
    assert made.key.masked.endswith(made.secret.reveal()[-4:])
    assert made.key.created_at == process.clock.time_of_day()
    assert process.identify(PLAIN).key_id == "env-1"
    another = await process.create()
    assert another.secret != made.secret
    assert another.key.id != made.key.id


async def test_a_key_needs_a_name(process: Process) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await process.keys.create(read_fields({"rpm": 1}))
    assert caught.value.param == "name"
    assert len(await process.keys.list()) == 1


async def test_a_change_holds_at_once_and_only_where_it_was_made(process: Process) -> None:
    made, other = await process.create(rpm=5), await process.create()
    changed = await process.keys.change(
        made.key.id, read_fields({"models": ["sonnet"], "rpm": None})
    )
    client = process.identify(made.secret)
    assert client.rules == changed.rules
    assert (client.rules.models, client.rules.rpm) == (("sonnet",), None)
    assert await process.keys.show(other.key.id) == other.key
    await process.keys.change(made.key.id, read_fields({"enabled": False}))
    with pytest.raises(InvalidKeyError, match="disabled"):
        process.identify(made.secret)
    await process.keys.change(made.key.id, read_fields({"enabled": True}))
    assert process.identify(made.secret).rules.models == ("sonnet",)


async def test_a_key_expires_by_the_wall_clock(process: Process) -> None:
    made = await process.create(expires_at=process.clock.time_of_day() + 60)
    assert process.identify(made.secret)
    process.clock.jump(60)
    with pytest.raises(InvalidKeyError, match="expired"):
        process.identify(made.secret)


async def test_a_rotated_key_keeps_its_client_and_its_old_secret_for_the_grace(
    process: Process,
) -> None:
    made = await process.create(rpm=5)
    before = process.identify(made.secret)
    second = await process.keys.rotate(made.key.id, 60)
    for secret in (made.secret, second.secret):
        client = process.identify(secret)
        assert (client.id, client.rules) == (before.id, before.rules)
    third = await process.keys.rotate(made.key.id, 60)
    with pytest.raises(InvalidKeyError):
        process.identify(made.secret)
    process.clock.advance(60)
    with pytest.raises(InvalidKeyError):
        process.identify(second.secret)
    assert process.identify(third.secret).id == before.id
    last = await process.keys.rotate(made.key.id, 0)
    with pytest.raises(InvalidKeyError):
        process.identify(third.secret)
    assert process.identify(last.secret).id == before.id


async def test_a_revoked_key_stays_revoked(process: Process) -> None:
    made = await process.create()
    rotated = await process.keys.rotate(made.key.id, 60)
    revoked = await process.keys.revoke(made.key.id)
    assert revoked.state(0) is KeyState.REVOKED
    for secret in (made.secret, rotated.secret):
        with pytest.raises(InvalidKeyError, match="revoked"):
            process.identify(secret)
    process.clock.advance(5)
    assert await process.keys.revoke(made.key.id) == revoked
    with pytest.raises(KeyReadOnlyError):
        await process.keys.change(made.key.id, read_fields({"enabled": True}))
    with pytest.raises(KeyReadOnlyError):
        await process.keys.rotate(made.key.id, 60)


async def test_keys_of_the_settings_are_listed_and_not_changed(process: Process) -> None:
    made = await process.create()
    assert [key.id for key in await process.keys.list()] == ["env-1", made.key.id]
    for call in (
        process.keys.change("env-1", {}),
        process.keys.revoke("env-1"),
        process.keys.rotate("env-1", 0),
    ):
        with pytest.raises(KeyReadOnlyError):
            await call
    for missing in (
        process.keys.show("key_x"),
        process.keys.change("key_x", {}),
        process.keys.revoke("key_x"),
    ):
        with pytest.raises(KeyNotFoundError):
            await missing


async def test_other_processes_take_over_changes_once(store: MemoryKeyStore) -> None:
    one, two = Process(store), Process(store)
    made = await one.create()
    with pytest.raises(InvalidKeyError):
        Process(store, PLAIN).identify(made.secret)
    await two.registry.load()
    assert two.identify(made.secret).key_id == made.key.id
    snapshot = two.source.current()
    await two.registry.merge()
    assert two.source.current() is snapshot
    await two.keys.revoke(made.key.id)
    await one.registry.merge()
    with pytest.raises(InvalidKeyError, match="revoked"):
        one.identify(made.secret)
    assert not one.source.current().keys.is_open


class SlowStore(MemoryKeyStore):
    """Returns what it read only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_return = asyncio.Event()
        self.has_read = asyncio.Event()

    async def load(self, after: int = 0) -> Sequence[StoredKey]:
        found = await super().load(after)
        self.has_read.set()
        await self.may_return.wait()
        return found


async def test_a_late_read_does_not_undo_a_change() -> None:
    store = SlowStore()
    process = Process(store)
    made = await process.create()
    merging = asyncio.create_task(process.registry.merge())
    await store.has_read.wait()
    await process.keys.revoke(made.key.id)
    store.may_return.set()
    await merging
    with pytest.raises(InvalidKeyError, match="revoked"):
        process.identify(made.secret)


class BrokenStore(MemoryKeyStore):
    """Works while `works` is set."""

    works = False

    async def load(self, after: int = 0) -> Sequence[StoredKey]:
        if not self.works:
            raise storage.broken()
        return await super().load(after)

    async def add(self, key: Any) -> StoredKey:
        if not self.works:
            raise storage.broken()
        return await super().add(key)


async def test_a_gateway_that_cannot_read_its_keys_is_not_open() -> None:
    store = BrokenStore()
    process = Process(store)
    with pytest.raises(StorageError):
        await process.registry.load()
    assert not process.source.current().keys.is_open
    store.works = True
    await process.registry.merge()
    assert process.source.current().keys.is_open


async def test_a_change_that_is_not_stored_does_not_hold() -> None:
    store = BrokenStore()
    store.works = True
    process = Process(store)
    made = await process.create()
    store.works = False
    with pytest.raises(StorageError):
        await process.keys.revoke(made.key.id)
    assert process.identify(made.secret)
    with pytest.raises(StorageError):
        await process.registry.load()
    assert process.identify(made.secret)  # what is known stays known
