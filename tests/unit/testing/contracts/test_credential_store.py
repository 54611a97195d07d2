"""The contract suite of credential stores, run on the memory store and on broken fakes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.contracts import duties_of, expect_failure

from modegate.adapters.memory.credential_store import MemoryCredentialStore
from modegate.application.ports.credential_store import (
    EVERY_FIELD,
    CredentialChange,
    StoredCredential,
)
from modegate.domain.credentials.state import CredentialState
from modegate.testing.contracts.credential_store import CredentialStoreContract, change_of


class TestMemoryCredentialStore(CredentialStoreContract):
    @asynccontextmanager
    async def store(self) -> AsyncIterator[MemoryCredentialStore]:
        yield MemoryCredentialStore()


class Full(MemoryCredentialStore):
    def __init__(self) -> None:
        super().__init__()
        self._rows["left"] = StoredCredential(
            id="left",
            secret_digest="digest",  # noqa: S106 - not one
            state=CredentialState(),
            revision=1,
        )


class Forgetful(MemoryCredentialStore):
    async def save(self, changes: Sequence[CredentialChange]) -> None:
        await super().save([replace(it, state=replace(it.state, cooldown=None)) for it in changes])


class Replacing(MemoryCredentialStore):
    async def save(self, changes: Sequence[CredentialChange]) -> None:
        for change in changes:
            self._rows.pop(change.id, None)
            await super().save([change])


class Overwriting(MemoryCredentialStore):
    async def save(self, changes: Sequence[CredentialChange]) -> None:
        await super().save([replace(it, changed=EVERY_FIELD) for it in changes])


class BlindToKeys(MemoryCredentialStore):
    async def save(self, changes: Sequence[CredentialChange]) -> None:
        for change in changes:
            if (row := self._rows.get(change.id)) is not None:
                self._rows[change.id] = replace(row, secret_digest=change.secret_digest)
        await super().save(changes)


class OneRevision(MemoryCredentialStore):
    async def save(self, changes: Sequence[CredentialChange]) -> None:
        for change in changes:
            self._revision = 0
            await super().save([change])


class LoadsAll(MemoryCredentialStore):
    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        del after
        return await super().load()


class Sharing(MemoryCredentialStore):
    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        return [row for row in self._rows.values() if row.revision > after]


class WritesAlways(MemoryCredentialStore):
    async def save(self, changes: Sequence[CredentialChange]) -> None:
        await super().save(changes or [change_of("a")])


BROKEN: Mapping[str, type[MemoryCredentialStore]] = {
    "test_a_new_store_is_empty": Full,
    "test_all_fields_of_a_state_are_stored": Forgetful,
    "test_counts_are_added": Replacing,
    "test_fields_that_did_not_change_are_kept": Overwriting,
    "test_another_key_begins_anew_but_stays_disabled": BlindToKeys,
    "test_each_change_has_a_later_revision": OneRevision,
    "test_load_returns_only_what_changed_after_a_revision": LoadsAll,
    "test_a_state_is_stored_as_a_copy": Sharing,
    "test_saving_nothing_is_a_no_op": WritesAlways,
}


def test_every_duty_has_a_broken_store() -> None:
    assert set(BROKEN) == duties_of(CredentialStoreContract)


@pytest.mark.parametrize(("duty", "broken"), BROKEN.items())
async def test_a_broken_store_fails_its_duty(
    duty: str, broken: type[MemoryCredentialStore]
) -> None:
    class Suite(CredentialStoreContract):
        @asynccontextmanager
        async def store(self) -> AsyncIterator[MemoryCredentialStore]:
            yield broken()

    await expect_failure(getattr(Suite(), duty))
