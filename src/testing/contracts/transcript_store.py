"""The duties of a `TranscriptStore`."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.transcript_store import TranscriptStore
from modegate.domain.session import SessionId, is_session_id

KEPT = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
OTHER = SessionId("7d9f6c52-8f1e-4a9b-8a55-6a3f0e1c2b22")
UNKNOWN = SessionId("9b1d2e3f-4a5b-4c6d-8e7f-8a9b0c1d2e33")


@pytest.mark.anyio
class TranscriptStoreContract(ABC):
    """Give `store`: a context whose value keeps something of the sessions `KEPT` and `OTHER`."""

    @abstractmethod
    def store(self) -> AbstractAsyncContextManager[TranscriptStore]:
        """A store with two sessions."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop."""
        return "asyncio"

    async def test_list_ids_returns_all_stored_sessions(self) -> None:
        async with self.store() as store:
            assert set(await store.list_ids(limit=9)) == {KEPT, OTHER}

    async def test_ids_come_in_sorted_pages(self) -> None:
        async with self.store() as store:
            assert list(await store.list_ids(limit=1)) == [KEPT]
            assert list(await store.list_ids(limit=1, after=KEPT)) == [OTHER]
            assert list(await store.list_ids(limit=1, after=OTHER)) == []

    async def test_paging_goes_on_after_an_id_that_was_deleted(self) -> None:
        async with self.store() as store:
            assert await store.delete(KEPT)
            assert list(await store.list_ids(limit=1, after=KEPT)) == [OTHER]

    async def test_delete_removes_only_the_given_session(self) -> None:
        async with self.store() as store:
            assert await store.delete(KEPT)
            assert set(await store.list_ids(limit=9)) == {OTHER}

    async def test_deleting_is_idempotent(self) -> None:
        async with self.store() as store:
            assert await store.delete(KEPT)
            assert await store.delete(KEPT)
            assert await store.delete(UNKNOWN)
            assert set(await store.list_ids(limit=9)) == {OTHER}

    async def test_a_reserved_session_is_new_and_reserved_once(self) -> None:
        async with self.store() as store:
            with store.reserve("sonnet", None) as first, store.reserve("sonnet", None) as second:
                reserved = [it for it in (first, second) if it is not None]
                assert all(is_session_id(it) for it in reserved)
                assert len(set(reserved)) == len(reserved)
                assert not {KEPT, OTHER} & set(reserved)
