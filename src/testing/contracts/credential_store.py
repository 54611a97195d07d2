"""The contract of a `CredentialStore`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from modegate.application.ports.credential_store import (
    CredentialChange,
    CredentialStore,
    StoredCredential,
)
from modegate.domain.credentials.state import Cooldown, CredentialState, LastError

COUNTS = frozenset[str]()
STATE = CredentialState(
    enabled=False,
    switched_at=1.25,
    cooldown=Cooldown("rate limit", 2.5, 3.5, 4.5),
    last_ok_at=5.5,
    last_error=LastError(429, "upstream_error", 6.5),
    requests=7,
    failures=6,
    rate_limits_in_row=3,
    server_errors_in_row=2,
)


def change_of(credential_id: str, state: CredentialState = STATE) -> CredentialChange:
    """Returns the change that stores all of a state for the first time."""
    return CredentialChange(
        id=credential_id,
        secret_digest="digest",  # noqa: S106 - not one
        state=replace(state),
        requests=state.requests,
        failures=state.failures,
    )


def counts(credential_id: str, requests: int, digest: str = "digest") -> CredentialChange:
    """Returns a change of nothing but a count."""
    return CredentialChange(
        id=credential_id,
        secret_digest=digest,
        state=CredentialState(),
        changed=COUNTS,
        requests=requests,
    )


async def rows_of(store: CredentialStore, after: int = 0) -> Mapping[str, StoredCredential]:
    """Returns the stored states by id."""
    return {row.id: row for row in await store.load(after)}


@pytest.mark.anyio
class CredentialStoreContract(ABC):
    """Tests the empty store that `store` returns."""

    @abstractmethod
    def store(self) -> AbstractAsyncContextManager[CredentialStore]:
        """Returns the context of a new, empty store."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_a_new_store_is_empty(self) -> None:
        async with self.store() as store:
            assert list(await store.load()) == []

    async def test_all_fields_of_a_state_are_stored(self) -> None:
        async with self.store() as store:
            await store.save([change_of("a"), change_of("b", CredentialState())])
            rows = await rows_of(store)
            assert rows["a"].state == STATE
            assert rows["b"].state == CredentialState()
            assert {row.secret_digest for row in rows.values()} == {"digest"}

    async def test_counts_are_added(self) -> None:
        async with self.store() as store:
            await store.save([change_of("a"), counts("a", 2)])
            await store.save([replace(counts("a", 3), failures=1)])
            state = (await rows_of(store))["a"].state
            assert (state.requests, state.failures) == (12, 7)

    async def test_fields_that_did_not_change_are_kept(self) -> None:
        async with self.store() as store:
            await store.save([change_of("a")])
            await store.save([counts("a", 1)])
            await store.save(
                [replace(counts("a", 1), state=CredentialState(), changed=frozenset({"cooldown"}))]
            )
            state = (await rows_of(store))["a"].state
            assert state == replace(STATE, cooldown=None, requests=9)

    async def test_another_key_begins_anew_but_stays_disabled(self) -> None:
        async with self.store() as store:
            await store.save([change_of("a")])
            await store.save([counts("a", 1, "other")])
            row = (await rows_of(store))["a"]
            assert row.secret_digest == "other"  # noqa: S105 - not one
            assert row.state == CredentialState(enabled=False, switched_at=1.25, requests=1)

    async def test_each_change_has_a_later_revision(self) -> None:
        async with self.store() as store:
            await store.save([change_of("a"), change_of("b")])
            first = await rows_of(store)
            await store.save([counts("a", 1)])
            second = await rows_of(store)
            assert second["b"].revision == first["b"].revision
            assert second["a"].revision > max(row.revision for row in first.values())

    async def test_load_returns_only_what_changed_after_a_revision(self) -> None:
        async with self.store() as store:
            await store.save([change_of("a"), change_of("b")])
            last = max(row.revision for row in (await rows_of(store)).values())
            assert await rows_of(store, last) == {}
            await store.save([counts("b", 1)])
            assert set(await rows_of(store, last)) == {"b"}

    async def test_a_state_is_stored_as_a_copy(self) -> None:
        async with self.store() as store:
            change = change_of("a")
            await store.save([change])
            change.state.enabled = True
            (loaded,) = await store.load()
            loaded.state.enabled = True
            assert (await rows_of(store))["a"].state == STATE

    async def test_saving_nothing_is_a_no_op(self) -> None:
        async with self.store() as store:
            await store.save([])
            assert list(await store.load()) == []
