"""Key files that change while the gateway runs."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.waiting import until

from modegate.adapters.memory.configuration_source import MemoryConfigurationSource
from modegate.domain.access.api_key import ApiKey
from modegate.domain.configuration import Configuration
from modegate.domain.credentials.credential import Credential
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream
from modegate.entrypoints.bootstrap import key_file_watch
from modegate.entrypoints.bootstrap.key_file_watch import KeyFileWatch
from modegate.entrypoints.config.upstreams.credentials import KeyFile
from modegate.entrypoints.config.upstreams.tables import CredentialSettings

PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_file_watch, "LOOK_INTERVAL_S", 0.002)
    monkeypatch.setattr(key_file_watch, "SETTLE_S", 0.0)


class Watched:
    """Two upstreams, of which `a` has a key in a file."""

    def __init__(self, folder: Path, *, expires_at: datetime | None = None) -> None:
        self.path = folder / "key"
        self.path.write_text("sk-old\n")
        self.file = KeyFile(
            self.path, CredentialSettings(id="a", key_file=self.path, expires_at=expires_at)
        )
        a = Upstream(
            name="one",
            base_url="http://one/v1",
            credentials=(self.file.read(), Credential("b", ApiKey("sk-b"))),
        )
        c = Credential("c", ApiKey("sk-c"))
        other = Upstream(name="two", base_url="http://two/v1", credentials=(c,))
        self.source = MemoryConfigurationSource(Configuration(routes=Routes(upstreams=(a, other))))
        self.watch = KeyFileWatch((self.file,), self.source)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.watch.start()
        try:
            yield
        finally:
            await self.watch.aclose()

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        return self.source.current().routes.upstreams

    @property
    def key(self) -> str:
        return self.upstreams[0].credentials[0].key.reveal()


async def test_a_changed_file_replaces_its_credential_and_nothing_else(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    before = watched.upstreams
    async with watched.running():
        watched.path.write_text('"sk-new"\r\n')
        await until(lambda: watched.key == "sk-new")
    assert watched.upstreams[1] is before[1]
    assert watched.upstreams[0].credentials[1] is before[0].credentials[1]
    assert before[0].credentials[0].key == ApiKey("sk-old")


async def test_unchanged_files_leave_the_configuration_as_it_is(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    before = watched.source.current()
    assert watched.watch.look().keys() == {"a"}  # the first look closes the gap since the start
    assert watched.watch.look() == {}
    os.utime(watched.path, (1, 1))
    async with watched.running():
        await until(lambda: not watched.watch.look())
    assert watched.source.current() is before


async def test_a_swapped_symbolic_link_is_a_change(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for version, key in (("v1", "sk-one"), ("v2", "sk-two")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "key").write_text(key)
        os.utime(tmp_path / version / "key", (1, 1))
    data = tmp_path / "..data"
    data.symlink_to("v1")
    watched.path.unlink()
    watched.path.symlink_to("..data/key")
    async with watched.running():
        await until(lambda: watched.key == "sk-one")
        (tmp_path / "..next").symlink_to("v2")
        (tmp_path / "..next").rename(data)
        await until(lambda: watched.key == "sk-two")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b" \n", "is empty"),
        (b"MARK MARK", "must have visible ASCII characters only"),
        (b"\xff", "must be text in UTF-8"),
        (None, "does not exist"),
    ],
)
async def test_a_file_without_a_usable_key_keeps_the_old_one_and_is_reported_once(
    content: bytes | None, fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(tmp_path)
    if content is None:
        watched.path.unlink()
    else:
        watched.path.write_bytes(content)
    for _ in range(3):
        assert watched.watch.look() == {}
    async with watched.running():
        (tmp_path / "new").write_text("sk-new")
        (tmp_path / "new").rename(watched.path)
        await until(lambda: watched.key == "sk-new")
    reported = [it for it in caplog.records if it.levelno == logging.ERROR]
    assert [it.getMessage() for it in reported] == [
        f"key file of a not used, the old key stays: {watched.path} {fault}"
    ]
    assert "MARK" not in caplog.text
    assert "sk-" not in caplog.text


async def test_a_file_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path)
    read = KeyFile.read

    def interrupted(file: KeyFile) -> Credential:
        found = read(file)
        monkeypatch.setattr(KeyFile, "read", read)
        watched.path.write_text("sk-new-and-longer")
        return found

    monkeypatch.setattr(KeyFile, "read", interrupted)
    assert watched.watch.look() == {}
    assert watched.watch.look()["a"].key == ApiKey("sk-new-and-longer")


async def test_a_new_key_of_an_expired_credential_does_not_expire(tmp_path: Path) -> None:
    watched = Watched(tmp_path, expires_at=PAST)
    os.utime(watched.path, (0, PAST.timestamp()))
    assert watched.watch.look()["a"].expires_at == PAST.timestamp()
    async with watched.running():
        watched.path.write_text("sk-new")
        await until(lambda: watched.key == "sk-new")
    assert watched.upstreams[0].credentials[0].expires_at is None


async def test_a_key_that_is_replaced_early_does_not_end_with_the_old_one(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    watched = Watched(tmp_path, expires_at=later)
    assert watched.upstreams[0].credentials[0].expires_at == later.timestamp()
    async with watched.running():
        watched.path.write_text("sk-new")
        await until(lambda: watched.key == "sk-new")
        await until(lambda: watched.upstreams[0].credentials[0].expires_at is None)


async def test_a_failed_look_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(tmp_path)
    look = KeyFileWatch.look

    def failing(_: KeyFileWatch) -> None:
        monkeypatch.setattr(KeyFileWatch, "look", look)
        raise RuntimeError

    monkeypatch.setattr(KeyFileWatch, "look", failing)
    watched.path.write_text("sk-new")
    async with watched.running():
        await until(lambda: watched.key == "sk-new")
    assert "look at key files failed, will retry" in caplog.text


async def test_without_key_files_there_is_no_task() -> None:
    watch = KeyFileWatch((), MemoryConfigurationSource(Configuration()))
    before = asyncio.all_tasks()
    await watch.start()
    assert asyncio.all_tasks() == before
    await watch.aclose()
