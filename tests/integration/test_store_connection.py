"""The connection to a real store: its bounds, cancellations, losses and recovery."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from support.redis import RedisServer, redis_server
from support.waiting import until

from modegate.adapters.redis import opening
from modegate.adapters.redis.connection import RedisConnection, Script
from modegate.adapters.redis.options import RedisOptions
from modegate.adapters.redis.store_socket import socket_for
from modegate.domain.errors import StorageError
from modegate.domain.store_address import Node, parse_store_address

ECHO = Script("return ARGV[1]")
PATIENT_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), name=store_kind) as it:
        yield it


@asynccontextmanager
async def connected(url: str, timeout_s: float = PATIENT_S) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(RedisOptions(url, timeout_s))
    try:
        yield connection
    finally:
        await connection.aclose()


async def echoed(connection: RedisConnection, text: str) -> bool:
    return bool(await connection.run(ECHO, (), (text,)) == text.encode())


async def told(connection: RedisConnection, text: str) -> bool:
    """The same by a command of redis-py."""
    return bool(await connection.call(lambda client: client.echo(text)) == text.encode())


async def echoes(connection: RedisConnection) -> bool:
    try:
        return await echoed(connection, "there")
    except StorageError:
        return False


async def recovered(connection: RedisConnection) -> None:
    async with asyncio.timeout(30):
        while not await echoes(connection):  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.01)


async def clients_of(client: Redis) -> Sequence[object]:
    """Returns the clients that are connected to the server."""
    return list(await client.client_list())


async def test_scripts_and_commands_return_their_answers(server: RedisServer) -> None:
    async with connected(server.full_url) as connection:
        assert await connection.run(Script("return {KEYS[1], ARGV[1]}"), ("a",), (7,)) == [
            b"a",
            b"7",
        ]
        await connection.call(lambda client: client.hset("{modegate}:test", mapping={"a": 1}))
        assert await connection.call(lambda client: client.hgetall("{modegate}:test")) == {
            b"a": b"1"
        }


async def test_callers_at_once_get_their_own_answers(server: RedisServer) -> None:
    async with connected(server.full_url) as connection:
        assert all(await asyncio.gather(*(echoed(connection, str(it)) for it in range(500))))


async def test_a_script_is_loaded_again_after_the_server_has_forgotten_it(
    server: RedisServer,
) -> None:
    async with connected(server.full_url) as connection:
        assert await echoed(connection, "one")
        await connection.call(lambda client: client.script_flush())
        assert await echoed(connection, "two")


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancelled_call_leaves_its_answer_to_nobody(
    server: RedisServer, steps: int
) -> None:
    async with connected(server.full_url) as connection:
        for turn in range(20):
            cut = asyncio.create_task(echoed(connection, f"cut-{turn}"))
            other = asyncio.create_task(told(connection, f"cut-{turn}"))
            kept = asyncio.create_task(echoed(connection, f"kept-{turn}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            cut.cancel()
            other.cancel()
            assert await echoed(connection, f"next-{turn}")
            assert await told(connection, f"{turn}")
            assert await kept
            await asyncio.wait({cut, other})


async def test_cancelled_calls_leave_no_task_and_no_connection(server: RedisServer) -> None:
    before = len(asyncio.all_tasks())
    async with connected(server.full_url) as connection:
        assert await echoed(connection, "one")
        for _ in range(100):
            call = asyncio.create_task(echoed(connection, "cut"))
            await asyncio.sleep(0)
            call.cancel()
        assert await echoed(connection, "last")
        clients = await connection.call(clients_of)
        assert len(clients) == 2
    assert len(asyncio.all_tasks()) == before


async def test_a_server_that_hangs_is_away_within_a_second_then_at_once(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(server.full_url, timeout_s=0.8) as connection:
        assert await echoed(connection, "one")
        server.pause()
        try:
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(StorageError, match="store cannot be reached"):
                await connection.run(ECHO, (), ("a",))
            assert loop.time() - began < 10
            began = loop.time()
            for _ in range(1000):
                with pytest.raises(StorageError, match="store cannot be reached") as raised:
                    await connection.run(ECHO, (), ("a",))
            assert raised.value.retry_after == 1.0
            assert loop.time() - began < 10  # a thousand waits of 0.8 s would be 13 minutes
            assert not connection.is_up
        finally:
            server.resume()
        await recovered(connection)
        assert connection.is_up
    assert caplog.text.count("store unreachable") == 1
    assert caplog.text.count("store recovered") == 1


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_server_that_was_started_again_is_found_by_itself(
    tmp_path: Path, store_kind: str, end: str
) -> None:
    with redis_server(tmp_path, name=store_kind) as server:
        async with connected(server.full_url) as connection:
            assert await echoed(connection, "one")
            await connection.call(lambda client: client.set("a", "b"))
            getattr(server, end)()
            await until(lambda: not connection.is_up)
            with pytest.raises(StorageError, match="store cannot be reached"):
                await echoed(connection, "two")
            with pytest.raises(StorageError, match="store cannot be reached"):
                await connection.call(lambda client: client.get("a"))
            await asyncio.to_thread(server.start)
            await recovered(connection)


async def test_a_connection_that_was_cut_is_made_again_without_an_error(
    server: RedisServer,
) -> None:
    async with connected(server.full_url) as connection:
        assert await echoed(connection, "one")
        await connection.call(lambda client: client.client_kill_filter(skipme=True))
        await recovered(connection)
        assert await echoed(connection, "two")


async def test_calls_fail_while_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{free.getsockname()[1]}"
        async with connected(url) as connection:
            for _ in range(100):
                with pytest.raises(StorageError, match="store cannot be reached"):
                    await connection.check()


async def test_an_old_server_is_refused(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "OLDEST_VERSION", (99, 0))
    async with connected(server.full_url) as connection:
        for _ in range(2):
            with pytest.raises(StorageError, match=r"has version .*, and modegate needs 7\.0"):
                await connection.check()


async def test_an_error_of_the_server_is_logged_once(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(server.full_url) as connection:
        for _ in range(3):
            with pytest.raises(StorageError, match="refused a command"):
                await connection.run(Script("return redis.call('NOTHING')"), ())
        assert await echoed(connection, "goes on")
    assert caplog.text.count("store refused a command") == 1


async def test_a_full_server_says_so(server: RedisServer) -> None:
    async with connected(server.full_url) as connection:
        await connection.call(lambda client: client.config_set("maxmemory", "1"))
        try:
            with pytest.raises(StorageError, match="store is full"):
                await connection.run(Script("return redis.call('SET', 'a', 'b')"), ())
        finally:
            await connection.call(lambda client: client.config_set("maxmemory", "0"))


async def test_a_wrong_password_is_told_in_the_log(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(server.full_url.replace("//", "//me:secret-word@")) as connection:
        with pytest.raises(StorageError, match="store cannot be reached"):
            await connection.check()
    assert "secret-word" not in caplog.text
    assert "password" in caplog.text


async def test_pipelines_are_refused(server: RedisServer) -> None:
    async with connected(server.full_url) as connection:
        with pytest.raises(NotImplementedError):
            await connection.call(lambda client: client.pipeline().execute())


async def test_closing_is_idempotent_and_ends_calls(server: RedisServer) -> None:
    async with connected(server.full_url) as connection:
        assert await echoed(connection, "one")
        waiting = asyncio.create_task(connection.call(lambda client: client.blpop(["nothing"])))
        await asyncio.sleep(0)
        await connection.aclose()
        with pytest.raises((StorageError, RedisError)):
            await waiting
        with pytest.raises(StorageError):
            await connection.check()
    async with connected(server.full_url) as other:
        async with asyncio.timeout(30):
            while len(await other.call(clients_of)) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_command_on_a_closing_connection_is_a_lost_connection(server: RedisServer) -> None:
    address = parse_store_address(server.full_url)
    closing = socket_for(address, Node("127.0.0.1", server.port), PATIENT_S)
    await closing.connect()  # type: ignore[no-untyped-call]
    assert closing._writer is not None  # noqa: SLF001
    closing._writer.transport.close()  # noqa: SLF001
    await asyncio.sleep(0)
    with pytest.raises(ConnectionError):
        closing.write("PING")
    closing.abort()
