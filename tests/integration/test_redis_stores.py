"""Sessions, keys and states of credentials in a real store: the contracts, and several gateways."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from support.redis import RedisServer, redis_server

from modegate.adapters.redis import presence, session_leases, session_store
from modegate.adapters.redis.connection import RedisConnection, Script
from modegate.adapters.redis.credential_store import RedisCredentialStore
from modegate.adapters.redis.key_store import RedisKeyStore
from modegate.adapters.redis.options import RedisOptions
from modegate.adapters.redis.presence import RedisPresence
from modegate.adapters.redis.session_leases import lease_key
from modegate.adapters.redis.session_store import RedisSessionStore, session_key
from modegate.adapters.system.clock import SystemClock
from modegate.domain.access.client import ClientId
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.session import SessionId
from modegate.testing.contracts.credential_store import CredentialStoreContract, change_of
from modegate.testing.contracts.key_store import BARE, KeyStoreContract, renamed
from modegate.testing.contracts.session_holds import ONE, TWO, session
from modegate.testing.contracts.session_store import SessionStoreContract

PATIENT_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), name=store_kind) as it:
        yield it


@asynccontextmanager
async def connected(server: RedisServer) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(RedisOptions(server.url, PATIENT_S))
    try:
        yield connection
    finally:
        await connection.aclose()


class Clock(SystemClock):
    """A clock that is `ahead` of the machine's by some seconds."""

    def __init__(self, ahead: float = 0.0) -> None:
        super().__init__()
        self.ahead = ahead

    def now(self) -> float:
        return super().now() + self.ahead


@asynccontextmanager
async def opened(server: RedisServer, ahead: float = 0.0) -> AsyncIterator[RedisSessionStore]:
    """Opens the session store of one gateway."""
    async with connected(server) as connection:
        store = RedisSessionStore(connection, Clock(ahead))
        try:
            yield store
        finally:
            await store.aclose()


class InStore:
    """Empties the store before each one that a test opens."""

    @pytest.fixture(autouse=True)
    def on_server(self, server: RedisServer) -> None:
        self.server = server

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[RedisConnection]:
        async with connected(self.server) as connection:
            await connection.call(lambda client: client.flushdb())
            yield connection


class TestRedisSessionStore(InStore, SessionStoreContract):
    @asynccontextmanager
    async def store(self) -> AsyncIterator[RedisSessionStore]:
        async with self.emptied(), opened(self.server) as store:
            yield store


class TestRedisKeyStore(InStore, KeyStoreContract):
    @asynccontextmanager
    async def store(self) -> AsyncIterator[RedisKeyStore]:
        async with self.emptied() as connection:
            yield RedisKeyStore(connection)


class TestRedisCredentialStore(InStore, CredentialStoreContract):
    @asynccontextmanager
    async def store(self) -> AsyncIterator[RedisCredentialStore]:
        async with self.emptied() as connection:
            yield RedisCredentialStore(connection)


@pytest.fixture
async def gateways(server: RedisServer) -> AsyncIterator[tuple[RedisSessionStore, ...]]:
    """The session stores of two gateways on an empty store."""
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connected(server))
        await connection.call(lambda client: client.flushdb())
        yield tuple([await stack.enter_async_context(opened(server)) for _ in range(2)])


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_leases, "LEASE_S", 0.2)
    monkeypatch.setattr(session_leases, "RENEW_AFTER_S", 30.0)


async def end_of(connection: RedisConnection, session_id: SessionId) -> int:
    """Returns when the lease of a session ends, in milliseconds of the store's clock."""
    ends = await connection.run(
        Script("return redis.call('HGET', KEYS[1], 'ends')"), [lease_key(session_id)]
    )
    return int(ends)


async def held_by(store: RedisSessionStore, session_id: SessionId = ONE) -> bool:
    """Whether the store's gateway can hold the session for a moment."""
    try:
        async with store.hold(session_id):
            return True
    except SessionBusyError:
        return False


async def became(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # type: ignore[misc]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_session_of_one_gateway_is_known_and_busy_at_another(
    gateways: tuple[RedisSessionStore, ...],
) -> None:
    first, second = gateways
    async with first.hold(ONE):
        await first.put(session(ONE))
        assert [it.id for it in await second.find(ClientId("me"))] == [ONE]
        assert not await held_by(second)
        assert await held_by(second, TWO)
    assert await held_by(second)


async def test_a_hold_is_renewed_for_as_long_as_it_is_held(
    gateways: tuple[RedisSessionStore, ...], monkeypatch: pytest.MonkeyPatch, server: RedisServer
) -> None:
    monkeypatch.setattr(session_leases, "RENEW_AFTER_S", 0.01)
    first, second = gateways
    async with connected(server) as connection, first.hold(ONE), first.hold(TWO):

        async def ends() -> list[int]:
            return [await end_of(connection, session_id) for session_id in (ONE, TWO)]

        before = await ends()

        async def both_moved() -> bool:
            return all(one != other for one, other in zip(before, await ends(), strict=True))

        await became(both_moved)
        assert not await held_by(second)


@pytest.mark.usefixtures("short_leases")
async def test_a_holder_that_was_paused_cannot_write_and_its_turn_is_ended(
    gateways: tuple[RedisSessionStore, ...],
) -> None:
    first, second = gateways
    await first.put(session(ONE))

    async def turn() -> None:
        async with first.hold(ONE):
            held.set()
            await asyncio.Event().wait()

    held = asyncio.Event()
    turning = asyncio.create_task(turn())
    await held.wait()
    await became(lambda: held_by_and_put(second))
    with pytest.raises(SessionBusyError, match="too slow"):
        await first.put(replace(session(ONE), used_at=1.0))
    with pytest.raises(SessionBusyError, match="too slow"):
        await first.remove(ONE)
    await first.leases.renew()
    with pytest.raises(SessionBusyError, match="too slow"):
        await turning
    assert turning.cancelling() == 0
    found = await first.get(ONE)
    assert found is not None
    assert found.used_at == pytest.approx(777, abs=2)


async def held_by_and_put(store: RedisSessionStore) -> bool:
    """Whether the store's gateway could hold the session, and has written it."""
    try:
        async with store.hold(ONE):
            await store.put(replace(session(ONE), used_at=777.0))
            return True
    except SessionBusyError:
        return False


@pytest.mark.usefixtures("short_leases")
async def test_a_holder_that_was_paused_goes_on_where_nobody_has_taken_the_session(
    gateways: tuple[RedisSessionStore, ...], server: RedisServer
) -> None:
    first, second = gateways
    async with first.hold(ONE), connected(server) as connection:

        async def is_over() -> bool:
            ends = await end_of(connection, ONE)
            seconds, micros = await connection.call(lambda it: it.time())
            return ends < seconds * 1000 + micros // 1000

        await became(is_over)
        await first.leases.renew()
        await first.put(session(ONE))
    assert await second.get(ONE) is not None


async def test_a_hold_that_is_cancelled_while_it_is_taken_is_released(
    gateways: tuple[RedisSessionStore, ...],
) -> None:
    first, second = gateways
    for steps in range(6):
        taking = asyncio.create_task(held_by(first))
        for _ in range(steps):
            await asyncio.sleep(0)
        taking.cancel()
        await asyncio.wait({taking})
        await became(lambda: held_by(second))


async def test_many_gateways_want_one_session_and_one_gets_it(
    server: RedisServer, gateways: tuple[RedisSessionStore, ...]
) -> None:
    async with AsyncExitStack() as stack:
        stores = [*gateways, *[await stack.enter_async_context(opened(server)) for _ in range(4)]]
        async with AsyncExitStack() as holding:

            async def hold(store: RedisSessionStore) -> bool:
                try:
                    await holding.enter_async_context(store.hold(ONE))
                except SessionBusyError:
                    return False
                return True

            assert sum([await hold(store) for store in stores]) == 1


@pytest.mark.parametrize("ahead", [-7.0, 7.0])
async def test_clocks_that_are_apart_agree_on_ages(server: RedisServer, ahead: float) -> None:
    async with opened(server) as one, opened(server, ahead) as other:
        now = Clock().now()
        await one.put(replace(session(ONE), created_at=now - 100, used_at=now - 50))
        found = await other.get(ONE)
        assert found is not None
        assert found.used_at - Clock(ahead).now() == pytest.approx(-50, abs=2)
        theirs = Clock(ahead).now()
        for idle, expired in ((45, [ONE]), (55, [])):
            page = await other.find_expired(
                used_until=theirs - idle, created_until=theirs - 9000, limit=9
            )
            assert page == expired


async def test_sessions_are_listed_in_pages(
    gateways: tuple[RedisSessionStore, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_store, "PAGE_SIZE", 3)
    first, second = gateways
    ids = [SessionId(f"{at:08x}-0000-4000-8000-000000000000") for at in range(10)]
    for at, name in enumerate(ids):
        await first.put(replace(session(name), used_at=float(at)))
    assert [it.id for it in await second.find(ClientId("me"))] == ids[::-1]


async def test_a_session_of_a_later_version_is_read(
    gateways: tuple[RedisSessionStore, ...], server: RedisServer
) -> None:
    first, _ = gateways
    await first.put(session(ONE))
    async with connected(server) as connection:
        text = await connection.call(lambda it: it.hget(session_key(ONE), "session"))
        later = json.dumps(json.loads(text or b"") | {"mood": "good"})
        await connection.call(lambda it: it.hset(session_key(ONE), "session", later))
        assert await first.get(ONE) == session(ONE)
        await connection.call(lambda it: it.hset(session_key(ONE), "session", "[]"))
    with pytest.raises(StorageError, match="cannot be read"):
        await first.get(ONE)


async def test_a_session_of_an_earlier_version_is_read(
    gateways: tuple[RedisSessionStore, ...], server: RedisServer
) -> None:
    here, _ = gateways
    await here.put(session(ONE))
    async with connected(server) as connection:
        record = json.loads(await connection.run(session_store.GET, [session_key(ONE)]))
        del record["unstored"], record["home"]
        await connection.call(
            lambda client: client.hset(session_key(ONE), "session", json.dumps(record))
        )
    assert await here.get(ONE) == session(ONE).with_unstored("", "")


async def test_a_gateway_is_present_until_it_leaves_or_gives_no_sign_of_life(
    gateways: tuple[RedisSessionStore, ...], server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    del gateways  # they only empty the store
    async with connected(server) as connection:
        here, there = [RedisPresence(connection, 0.0) for _ in range(2)]
        assert not await here.is_present(there.id)
        await there.beat()
        assert await here.is_present(there.id)
        with monkeypatch.context() as patched:
            patched.setattr(presence, "GONE_AFTER_S", 0.0)
            assert not await here.is_present(there.id)
        assert await here.is_present(there.id)
        await there.leave()
        assert not await here.is_present(there.id)


async def test_nothing_of_a_removed_session_stays(
    gateways: tuple[RedisSessionStore, ...], server: RedisServer
) -> None:
    first, _ = gateways
    await first.put(session(ONE))
    async with first.hold(ONE):
        await first.remove(ONE)
    async with connected(server) as connection:
        left = await connection.call(lambda it: it.keys("*"))
    assert [it for it in left if b"tokens" not in it] == []


async def test_two_gateways_that_make_the_digest_key_at_once_have_the_same(
    server: RedisServer,
) -> None:
    async with connected(server) as one, connected(server) as other:
        await one.call(lambda client: client.flushdb())
        first, second = await asyncio.gather(
            RedisKeyStore(one).digest_key(), RedisKeyStore(other).digest_key()
        )
        assert first == second


async def test_changes_of_gateways_at_once_are_all_stored(server: RedisServer) -> None:
    async with connected(server) as one, connected(server) as other:
        await one.call(lambda client: client.flushdb())
        stores = RedisKeyStore(one), RedisKeyStore(other)
        await stores[0].add(BARE)
        await asyncio.gather(*(stores[at % 2].change(BARE.id, renamed) for at in range(10)))
        (found,) = await stores[0].load()
        assert found.key.name == "bare" + "+" * 10


async def test_revisions_grow_after_the_store_has_lost_its_data(server: RedisServer) -> None:
    async with connected(server) as connection:
        store = RedisKeyStore(connection)
        before = await store.add(BARE)
        await connection.call(lambda client: client.flushdb())
        assert (await store.add(BARE)).revision > before.revision


async def test_rows_that_were_changed_by_hand_are_storage_errors(server: RedisServer) -> None:
    async with connected(server) as connection:
        await connection.call(lambda client: client.flushdb())
        keys, credentials = RedisKeyStore(connection), RedisCredentialStore(connection)
        await keys.add(BARE)
        await credentials.save([change_of("a")])
        await connection.call(lambda it: it.hset("{modegate}:keys", BARE.id, "{}"))
        await connection.call(lambda it: it.hset("{modegate}:credentials", "a", "7"))
        await connection.call(lambda it: it.set("{modegate}:keys-secret", "no hex"))
        for failing in (keys.load(), credentials.load(), keys.digest_key()):
            with pytest.raises(StorageError, match="cannot be read"):
                await failing


async def test_a_store_that_is_away_is_a_storage_state(server: RedisServer) -> None:
    connection = RedisConnection(RedisOptions(server.url))
    store = RedisSessionStore(connection, Clock())
    try:
        await store.check_storage()
        assert store.storage_state() == "ok"
        server.pause()
        await store.check_storage()
        assert store.storage_state() == "error"
        server.resume()

        async def is_writable() -> bool:
            await store.check_storage()
            return store.storage_state() == "ok"

        await became(is_writable)
    finally:
        server.resume()
        await store.aclose()
        await connection.aclose()
