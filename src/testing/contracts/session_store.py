"""The contract of a `SessionStore`."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from modegate.application.ports.session_store import SessionStore
from modegate.domain.access.client import ClientId
from modegate.domain.session import SessionId
from modegate.testing.contracts.session_holds import ONE, TWO, SessionHoldsContract, session

THREE = SessionId("9b1d2e3f-4a5b-4c6d-8e7f-8a9b0c1d2e33")


@pytest.mark.anyio
class SessionStoreContract(SessionHoldsContract):
    """Tests the store that `store` returns: its holds, and what it stores."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_get_returns_a_stored_session(self) -> None:
        async with self.store() as store:
            await store.put(session(ONE))
            await store.put(session(TWO))
            assert await store.get(ONE) == session(ONE)
            assert await store.get(TWO) == session(TWO)

    async def test_a_later_put_overwrites_an_earlier_one(self) -> None:
        async with self.store() as store:
            await store.put(session(ONE))
            later = replace(session(ONE), used_at=99.5, cli_session_id="other")
            await store.put(later)
            assert await store.get(ONE) == later

    async def test_a_session_is_marked_as_long_as_its_last_turn_is_not_stored(self) -> None:
        async with self.store() as store:
            stored = session(ONE).with_unstored("", "")
            for known in (stored, stored.with_unstored("turn", "gateway"), stored):
                await store.put(known)
                assert await store.get(ONE) == known
                assert list(await store.find()) == [known]

    async def test_find_returns_a_clients_sessions_most_recently_used_first(self) -> None:
        async with self.store() as store:
            for session_id, client, used_at in (
                (ONE, "me", 1.0),
                (TWO, "me", 2.0),
                (THREE, "you", 3.0),
            ):
                await store.put(
                    replace(session(session_id), client=ClientId(client), used_at=used_at)
                )
            assert [it.id for it in await store.find(ClientId("me"))] == [TWO, ONE]
            assert [it.id for it in await store.find(ClientId("nobody"))] == []

    async def test_find_without_a_client_returns_all_sessions(self) -> None:
        async with self.store() as store:
            await store.put(session(ONE))
            await store.put(replace(session(TWO), client=ClientId("you"), used_at=99.0))
            assert list(await store.find()) == [
                replace(session(TWO), client=ClientId("you"), used_at=99.0),
                session(ONE),
            ]

    async def test_sessions_are_found_by_their_history_most_recently_used_first(self) -> None:
        async with self.store() as store:
            known = [
                replace(session(it), said="digest", used_at=float(at))
                for at, it in enumerate((TWO, ONE, THREE))
            ]
            for it in known:
                await store.put(it)
            key = known[0].history
            assert list(await store.find_by_history(key, 9)) == known[::-1]
            assert list(await store.find_by_history(key, 2)) == known[:0:-1]
            assert list(await store.find_by_history("other", 9)) == []

    async def test_a_session_is_found_by_its_latest_history_only(self) -> None:
        async with self.store() as store:
            before = replace(session(ONE), said="digest")
            after = replace(before, said="later")
            unknown = replace(before, said="")
            for it in (before, after):
                await store.put(it)
                await store.put(it)
            assert list(await store.find_by_history(before.history, 9)) == []
            assert list(await store.find_by_history(after.history, 9)) == [after]
            await store.put(unknown)
            assert list(await store.find_by_history(after.history, 9)) == []
            assert list(await store.find_by_history(unknown.history, 9)) == []
            await store.put(after)
            await store.remove(ONE)
            assert list(await store.find_by_history(after.history, 9)) == []

    async def test_a_history_is_found_with_its_own_client_and_system_prompt_only(self) -> None:
        async with self.store() as store:
            known = replace(session(ONE), said="digest")
            await store.put(known)
            for other in (
                replace(known, client=ClientId("you")),
                replace(known, system_prompt="Be brief."),
            ):
                assert list(await store.find_by_history(other.history, 9)) == []

    async def test_sessions_are_counted(self) -> None:
        async with self.store() as store:
            assert await store.count() == 0
            await store.put(session(ONE))
            await store.put(replace(session(TWO), client=ClientId("you")))
            await store.put(replace(session(ONE), used_at=99.5))
            await store.reserve(session(THREE))
            assert await store.count() == 2
            await store.remove(ONE)
            assert await store.count() == 1

    async def test_expired_sessions_are_idle_or_old(self) -> None:
        async with self.store() as store:
            for session_id, created_at, used_at in ((ONE, 1.0, 9.0), (TWO, 5.0, 5.0)):
                await store.put(
                    replace(session(session_id), created_at=created_at, used_at=used_at)
                )
            await store.put(replace(session(THREE), client=ClientId("you"), used_at=99.0))
            for used_until, created_until, expired in (
                (4.9, 0.9, []),
                (5.0, 0.9, [TWO]),
                (4.9, 1.0, [ONE]),
                (5.0, 1.0, [ONE, TWO]),
                (99.0, 0.9, [ONE, TWO, THREE]),
            ):
                found = await store.find_expired(
                    used_until=used_until, created_until=created_until, limit=9
                )
                assert list(found) == expired

    async def test_expired_sessions_come_in_pages_sorted_by_id(self) -> None:
        async with self.store() as store:
            for used_at, session_id in enumerate((THREE, ONE, TWO)):
                await store.put(replace(session(session_id), used_at=float(used_at)))
            assert list(await expired_page(store, limit=2)) == [ONE, TWO]

    async def test_paging_expired_sessions_ends_even_if_none_is_removed(self) -> None:
        async with self.store() as store:
            for session_id in (THREE, ONE, TWO):
                await store.put(session(session_id))
            assert list(await expired_page(store, limit=2, after=ONE)) == [TWO, THREE]
            await store.remove(TWO)
            assert list(await expired_page(store, limit=2, after=TWO)) == [THREE]
            assert list(await expired_page(store, limit=2, after=THREE)) == []

    async def test_find_unknown_returns_the_ids_without_a_session(self) -> None:
        async with self.store() as store:
            await store.put(session(TWO))
            assert set(await store.find_unknown([ONE, TWO, THREE])) == {ONE, THREE}
            assert list(await store.find_unknown([TWO])) == []
            assert list(await store.find_unknown([])) == []

    async def test_get_returns_none_for_an_unknown_id(self) -> None:
        async with self.store() as store:
            assert await store.get(ONE) is None

    async def test_remove_deletes_a_session_and_is_idempotent(self) -> None:
        async with self.store() as store:
            await store.put(session(ONE))
            await store.remove(ONE)
            await store.remove(ONE)
            assert await store.get(ONE) is None

    async def test_a_reserved_session_is_not_visible(self) -> None:
        async with self.store() as store:
            await store.reserve(session(ONE))
            assert await store.get(ONE) is None
            assert list(await store.find()) == []

    async def test_reserving_does_not_change_a_stored_session(self) -> None:
        async with self.store() as store:
            await store.put(session(ONE))
            await store.reserve(replace(session(ONE), used_at=99.5, system_prompt="x" * 9000))
            assert list(await store.find()) == [session(ONE)]

    async def test_a_reserved_session_can_be_put_and_removed(self) -> None:
        async with self.store() as store:
            await store.reserve(session(ONE))
            await store.put(session(ONE))
            assert await store.get(ONE) == session(ONE)
            await store.reserve(session(ONE))
            await store.remove(ONE)
            assert list(await store.find()) == []


async def expired_page(
    store: SessionStore, limit: int, after: SessionId | None = None
) -> Sequence[SessionId]:
    """Returns a page of all sessions that `session` makes."""
    return await store.find_expired(used_until=99.0, created_until=99.0, limit=limit, after=after)
