"""The contract of a `KeyStore`."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from modegate.application.ports.key_store import KeyStore, StoredKey
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client_key import ClientKey
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period
from modegate.domain.errors import InvalidRequestError, KeyNotFoundError

SECRET = ApiKey("sk-mg-contract")
KEY = ClientKey(
    id="key_a",
    name="search",
    masked="sk-mg-****7f3a",
    rules=KeyRules(
        models=("sonnet", "gpt-4o*"),
        modes=("claude-code",),
        mode="claude-code",
        rpm=1,
        tpm=2,
        concurrency=3,
        budget=Budget(4.5, 6, Period.WEEK),
    ),
    enabled=False,
    expires_at=7.5,
    created_at=8.5,
    revoked_at=9.5,
    digest=b"digest",
    old_digest=b"old",
    old_until=10.5,
)
BARE = ClientKey(id="key_b", name="bare", masked="****", digest=b"other")


async def rows_of(store: KeyStore, after: int = 0) -> Mapping[str, StoredKey]:
    """Returns the stored keys by id."""
    return {row.key.id: row for row in await store.load(after)}


def renamed(key: ClientKey) -> ClientKey:
    """Returns the key with a longer name."""
    return replace(key, name=f"{key.name}+")


def refuse(key: ClientKey) -> ClientKey:
    """Refuses every change."""
    raise InvalidRequestError(f"{key.id} stays as it is.")


@pytest.mark.anyio
class KeyStoreContract(ABC):
    """Tests the empty store that `store` returns."""

    @abstractmethod
    def store(self) -> AbstractAsyncContextManager[KeyStore]:
        """Returns the context of a new, empty store."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_a_new_store_is_empty(self) -> None:
        async with self.store() as store:
            assert list(await store.load()) == []

    async def test_all_fields_of_a_key_are_stored(self) -> None:
        async with self.store() as store:
            added = await store.add(KEY)
            await store.add(BARE)
            rows = await rows_of(store)
            assert {name: row.key for name, row in rows.items()} == {"key_a": KEY, "key_b": BARE}
            assert rows["key_a"] == added

    async def test_a_change_replaces_the_key(self) -> None:
        async with self.store() as store:
            await store.add(KEY)
            await store.add(BARE)
            changed = await store.change("key_b", renamed)
            rows = await rows_of(store)
            assert rows["key_b"] == changed
            assert changed.key == renamed(BARE)
            assert rows["key_a"].key == KEY

    async def test_an_unknown_id_cannot_be_changed(self) -> None:
        async with self.store() as store:
            with pytest.raises(KeyNotFoundError):
                await store.change("key_a", renamed)
            await store.add(BARE)
            with pytest.raises(KeyNotFoundError):
                await store.change("key_a", renamed)

    async def test_a_refused_change_changes_nothing(self) -> None:
        async with self.store() as store:
            before = await store.add(BARE)
            with pytest.raises(InvalidRequestError):
                await store.change("key_b", refuse)
            assert await rows_of(store) == {"key_b": before}

    async def test_no_change_is_lost_among_others_at_once(self) -> None:
        async with self.store() as store:
            await store.add(BARE)
            await asyncio.gather(*(store.change("key_b", renamed) for _ in range(8)))
            assert (await rows_of(store))["key_b"].key.name == "bare" + "+" * 8

    async def test_each_change_has_a_later_revision(self) -> None:
        async with self.store() as store:
            first = await store.add(KEY)
            second = await store.add(BARE)
            third = await store.change("key_a", renamed)
            assert 0 < first.revision < second.revision < third.revision
            assert (await rows_of(store))["key_b"].revision == second.revision

    async def test_load_returns_only_what_changed_after_a_revision(self) -> None:
        async with self.store() as store:
            await store.add(KEY)
            last = (await store.add(BARE)).revision
            assert await rows_of(store, last) == {}
            await store.change("key_a", renamed)
            assert set(await rows_of(store, last)) == {"key_a"}

    async def test_the_digest_key_stays_the_same(self) -> None:
        async with self.store() as store:
            first = await store.digest_key()
            await store.add(BARE)
            assert (await store.digest_key()).digest(SECRET) == first.digest(SECRET)

    async def test_each_store_has_another_digest_key(self) -> None:
        async with self.store() as one:
            first = (await one.digest_key()).digest(SECRET)
        async with self.store() as other:
            assert (await other.digest_key()).digest(SECRET) != first
