import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from modegate.adapters.memory.credential_store import MemoryCredentialStore
from modegate.application.credentials.states import CredentialStates, digest_of
from modegate.application.ports.credential_store import CredentialChange, StoredCredential
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.state import Cooldown, CredentialState
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import storage

CREDENTIAL = Credential("a", ApiKey("sk-first"))
RENEWED = replace(CREDENTIAL, key=ApiKey("sk-second"))
COOLDOWN = Cooldown("rate limit", 0.0, 10.0, 10.0)


class BrokenStore(MemoryCredentialStore):
    broken = True

    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        if self.broken:
            raise storage.broken()
        return await super().load(after)

    async def save(self, changes: Sequence[CredentialChange]) -> None:
        if self.broken:
            raise storage.broken()
        await super().save(changes)


async def loaded(store: MemoryCredentialStore) -> CredentialStates:
    states = CredentialStates(store)
    await states.load()
    return states


async def test_a_restart_keeps_states_and_totals() -> None:
    store = MemoryCredentialStore()
    for _ in range(2):
        states = await loaded(store)
        states.of(CREDENTIAL).fail(401, "upstream_error", 5.0)
        states.of(CREDENTIAL).cooldown = COOLDOWN
        states.note("a", urgent=True)
        await states.save()
    state = (await loaded(store)).of(CREDENTIAL)
    assert (state.cooldown, state.requests, state.failures) == (COOLDOWN, 2, 2)


async def test_a_new_key_begins_anew_but_stays_disabled() -> None:
    store = MemoryCredentialStore()
    states = await loaded(store)
    states.of(CREDENTIAL).cooldown = COOLDOWN
    states.of(CREDENTIAL).enabled = False
    states.note("a", urgent=True)
    assert not states.of(RENEWED).enabled
    assert states.of(RENEWED).cooldown is None
    await states.save()
    after_restart = (await loaded(store)).of(RENEWED)
    assert (after_restart.enabled, after_restart.cooldown) == (False, None)


async def test_two_gateways_add_their_counts_and_see_each_other() -> None:
    store = MemoryCredentialStore()
    first, second = await loaded(store), await loaded(store)
    for states, requests in ((first, 3), (second, 4)):
        for _ in range(requests):
            states.of(CREDENTIAL).succeed(1.0)
        states.note("a", urgent=False)
        await states.save()
    first.of(CREDENTIAL).enabled = False
    first.note("a", urgent=True)
    await first.save()
    merged: list[bool] = []
    second.on_merge = lambda: merged.append(True)
    await second.merge()
    state = second.of(CREDENTIAL)
    assert (state.enabled, state.requests, merged) == (False, 7, [True])


async def test_unsaved_changes_are_not_overwritten_by_a_merge() -> None:
    store = MemoryCredentialStore()
    first, second = await loaded(store), await loaded(store)
    first.of(CREDENTIAL).succeed(1.0)
    first.note("a", urgent=False)
    await first.save()
    second.of(CREDENTIAL).cooldown = COOLDOWN
    second.note("a", urgent=True)
    await second.merge()
    assert second.of(CREDENTIAL).cooldown == COOLDOWN


async def test_a_store_that_fails_costs_no_change() -> None:
    store = BrokenStore()
    states = await loaded(store)
    states.of(CREDENTIAL).succeed(1.0)
    states.note("a", urgent=False)
    with pytest.raises(StorageError):
        await states.save()
    await states.aclose()
    store.broken = False
    await states.save()
    assert (await loaded(store)).of(CREDENTIAL).requests == 1


async def test_changes_are_announced_with_their_urgency() -> None:
    states = await loaded(MemoryCredentialStore())
    announced: list[bool] = []
    states.on_change = lambda *, urgent: announced.append(urgent)
    states.of(CREDENTIAL)
    states.note("a", urgent=False)
    states.note("a", urgent=True)
    assert announced == [False, True]


async def test_counts_do_not_undo_another_gateways_decision() -> None:
    store = MemoryCredentialStore()
    first, second = await loaded(store), await loaded(store)
    second.of(CREDENTIAL).succeed(1.0)
    second.note("a", urgent=False)
    first.of(CREDENTIAL).switch(enabled=False, now=5.0)
    first.of(CREDENTIAL).cooldown = COOLDOWN
    first.note("a", urgent=True)
    await first.save()
    await second.merge()
    assert not second.of(CREDENTIAL).enabled
    await second.save()
    await first.merge()
    state = first.of(CREDENTIAL)
    assert (state.enabled, state.cooldown, state.requests) == (False, COOLDOWN, 1)


class SlowStore(MemoryCredentialStore):
    """Saves when it is told to; fails if it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.fails = asyncio.Event(), False

    async def save(self, changes: Sequence[CredentialChange]) -> None:
        await self.go.wait()
        if self.fails:
            raise storage.broken()
        await super().save(changes)


async def test_two_saves_at_once_store_each_count_once() -> None:
    store = SlowStore()
    states = await loaded(store)
    saves = []
    for _ in range(2):
        states.of(CREDENTIAL).succeed(1.0)
        states.note("a", urgent=False)
        saves.append(asyncio.create_task(states.save()))
        await asyncio.sleep(0)
    store.go.set()
    await asyncio.gather(*saves)
    assert (await loaded(store)).of(CREDENTIAL).requests == 2


async def test_a_merge_during_a_save_keeps_the_change_that_is_being_saved() -> None:
    store = SlowStore()
    states = await loaded(store)
    states.of(CREDENTIAL).cooldown = COOLDOWN
    states.note("a", urgent=True)
    saving = asyncio.create_task(states.save())
    await asyncio.sleep(0)
    change = CredentialChange(
        id="a",
        secret_digest=digest_of(CREDENTIAL),
        state=CredentialState(),
        changed=frozenset(),
        requests=1,
    )
    await MemoryCredentialStore.save(store, [change])
    await states.merge()
    assert states.of(CREDENTIAL).cooldown == COOLDOWN
    store.fails = True
    store.go.set()
    with pytest.raises(StorageError):
        await saving
    await states.merge()
    state = states.of(CREDENTIAL)
    assert (state.cooldown, state.requests) == (COOLDOWN, 1)


async def test_a_cancelled_save_is_not_stored_twice() -> None:
    class Lasting(MemoryCredentialStore):
        async def save(self, changes: Sequence[CredentialChange]) -> None:
            await super().save(changes)
            await asyncio.Event().wait()

    store = Lasting()
    states = await loaded(store)
    states.of(CREDENTIAL).succeed(1.0)
    states.note("a", urgent=False)
    saving = asyncio.create_task(states.save())
    await asyncio.sleep(0)
    saving.cancel()
    await asyncio.wait({saving})
    await states.aclose()
    assert (await loaded(store)).of(CREDENTIAL).requests == 1
