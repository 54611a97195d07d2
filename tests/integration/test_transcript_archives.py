"""Archives of transcripts: the conformance suite of the Claude Agent SDK, and our own duties."""

import asyncio
import itertools
import stat
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import pytest
from claude_agent_sdk.testing import run_session_store_conformance
from obstore.store import LocalStore, MemoryStore
from redis.asyncio import Redis
from support.redis import EACH_SERVER, REDIS, RedisServer, redis_server

from modegate.adapters.objects.bucket import BucketObjects
from modegate.adapters.objects.folder import FolderObjects
from modegate.adapters.objects.objects import Objects
from modegate.adapters.objects.transcript_archive import ObjectTranscriptArchive
from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.options import RedisOptions
from modegate.adapters.redis.transcript_archive import RedisTranscriptArchive
from modegate.application.ports.transcript_archive import TranscriptArchive, TranscriptKey
from modegate.domain.errors import StorageError

KEY: TranscriptKey = {"project_key": "p", "session_id": "s"}
ODD: TranscriptKey = {"project_key": "a/../b:%", "session_id": "é {}=", "subpath": "x/.."}
KEEP_S = 60.0

Make = Callable[[], Awaitable[TranscriptArchive]]
PLACES: dict[str, Callable[[Path], Objects]] = {
    "folder": FolderObjects,
    "obstore in memory": lambda _: BucketObjects(MemoryStore()),
    "obstore on disk": lambda path: BucketObjects(LocalStore(path, mkdir=True)),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], RedisServer]]:
    """Starts a server of each kind that is asked for."""
    with ExitStack() as stack:
        yield cache(
            lambda kind: stack.enter_context(redis_server(tmp_path_factory.mktemp(kind), name=kind))
        )


@pytest.fixture
async def connect(
    server: Callable[[str], RedisServer],
) -> AsyncIterator[Callable[[str], RedisConnection]]:
    async with AsyncExitStack() as stack:

        def opened(kind: str) -> RedisConnection:
            connection = RedisConnection(RedisOptions(server(kind).url, timeout_s=30.0))
            stack.push_async_callback(connection.aclose)
            return connection

        yield opened


@pytest.fixture(params=[*EACH_SERVER, *PLACES])
def make(
    request: pytest.FixtureRequest, connect: Callable[[str], RedisConnection], tmp_path: Path
) -> Make:
    """Makes archives of one kind, each empty."""
    if request.param not in PLACES:
        connection = connect(request.param)

        async def in_redis() -> TranscriptArchive:
            await connection.call(lambda client: client.flushdb())
            return RedisTranscriptArchive(connection, KEEP_S)

        return in_redis
    numbers = itertools.count()

    async def in_objects() -> TranscriptArchive:
        return ObjectTranscriptArchive(PLACES[request.param](tmp_path / str(next(numbers))))

    return in_objects


async def test_the_sdks_conformance_suite_passes(make: Any) -> None:
    await run_session_store_conformance(make)


async def test_entries_come_back_equal_whatever_they_and_their_keys_hold(make: Make) -> None:
    archive = await make()
    entries: list[dict[str, Any]] = [
        {"type": "user", "text": "é \ud800 \u2028", "n": 2**70, "f": 0.1, "none": None},
        {"type": "assistant", "large": "x" * 600_000, "deep": [{"a": [1, {}]}]},
        {"type": "assistant", "after": True},
    ]
    await archive.append(ODD, entries)
    await archive.append(ODD, entries[:1])
    assert await archive.load(ODD) == [*entries, entries[0]]
    main: TranscriptKey = {"project_key": ODD["project_key"], "session_id": ODD["session_id"]}
    assert await archive.load(main) is None
    assert list(await archive.list_subkeys(main)) == [ODD["subpath"]]
    await archive.append(main, entries[:1])
    assert [it["session_id"] for it in await archive.list_sessions(ODD["project_key"])] == [
        ODD["session_id"]
    ]
    await archive.delete(main)
    assert await archive.load(ODD) is None


async def test_concurrent_appends_are_never_mixed(make: Make) -> None:
    archive = await make()
    batches = [[{"type": "x", "batch": n, "line": m} for m in range(5)] for n in range(20)]
    await asyncio.gather(*(archive.append(KEY, batch) for batch in batches))
    found = await archive.load(KEY)
    assert found is not None
    assert sorted((found[n : n + 5] for n in range(0, 100, 5)), key=lambda it: it[0]["batch"]) == (
        batches
    )


async def test_redis_forgets_transcripts_that_are_not_added_to(
    connect: Callable[[str], RedisConnection],
) -> None:
    connection = connect(REDIS)
    await connection.call(lambda client: client.flushdb())
    archive = RedisTranscriptArchive(connection, KEEP_S)
    await archive.append(KEY, [{"type": "x"}])
    await archive.append({**KEY, "subpath": "1"}, [{"type": "x", "pad": "y" * 5000}])
    names: Any = await connection.call(lambda client: client.keys("*transcript:*"))
    assert len(names) == 3
    for name in names:
        left: Any = await connection.call(partial(cast("Any", Redis.pttl), name=name))
        assert 0 < left <= KEEP_S * 1000
    (piece,) = (name for name in names if name.endswith(b":1"))
    stored: Any = await connection.call(
        partial(cast("Any", Redis.lrange), name=piece, start=0, end=-1)
    )
    assert 0 < sum(map(len, stored)) < 1000, "it is compressed"
    short = RedisTranscriptArchive(connection, 0.001)
    await short.append({**KEY, "session_id": "t"}, [{"type": "x"}])
    assert [it["session_id"] for it in await short.list_sessions("p")] != []


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_files_are_for_their_owner_only_and_no_half_written_one_is_read(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "shared" / "transcripts"
    archive = ObjectTranscriptArchive(FolderObjects(folder))
    await archive.append(KEY, [{"type": "x"}])
    (file,) = files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(
        stat.S_IMODE(path.stat().st_mode) == 0o700 for path in folder.rglob("*") if path.is_dir()
    )
    file.with_name("0-killed.part").write_bytes(b"z")
    assert await archive.load(KEY) == [{"type": "x"}]


@pytest.mark.parametrize("damage", [b"", b"z123", b"j{}", b"z" + zlib.compress(b"{")])
async def test_a_damaged_object_is_a_storage_error(damage: bytes, tmp_path: Path) -> None:
    archive = ObjectTranscriptArchive(FolderObjects(tmp_path))
    await archive.append(KEY, [{"type": "x"}])
    (file,) = files(tmp_path)
    file.write_bytes(damage)
    with pytest.raises(StorageError):
        await archive.load(KEY)


async def test_a_folder_that_cannot_be_used_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    archive = ObjectTranscriptArchive(FolderObjects(tmp_path / "file"))
    with pytest.raises(StorageError):
        await archive.append(KEY, [{"type": "x"}])


async def test_a_store_that_is_away_is_a_storage_error() -> None:
    connection = RedisConnection(RedisOptions("redis://127.0.0.1:9/0"))
    archive = RedisTranscriptArchive(connection, KEEP_S)
    for call in (archive.append(KEY, [{"type": "x"}]), archive.load(KEY), archive.delete(KEY)):
        with pytest.raises(StorageError):
            await call
    await connection.aclose()
