"""Turns that one gateway has answered, and could not store, as another gateway sees them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import openai
import pytest
import redis
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.redis import RedisServer, redis_server
from support.waiting import until

from modegate.adapters.claude_cli.archive import archived_sessions
from modegate.adapters.claude_cli.turns import stored_turn
from modegate.adapters.redis.transcript_archive import RedisTranscriptArchive
from modegate.application.sessions import registry
from modegate.simulator.provider import SimulatedProvider

SESSION = "X-Claude-Session-ID"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), fsync="no") as it:
        yield it


class SlowArchive:
    """Takes writes only while `is_open` is set; counts those that have waited."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.waited = 0
        append = RedisTranscriptArchive.append

        async def slow(archive: RedisTranscriptArchive, key: Any, entries: Any) -> None:
            self.waited += not self.is_open.is_set()
            await self.is_open.wait()
            await append(archive, key, entries)

        monkeypatch.setattr(RedisTranscriptArchive, "append", slow)

    async def answer_late(self, gateway: Gateway, text: str, session: str) -> None:
        """Has a turn whose storing takes longer than the answer waits for it."""
        self.is_open.clear()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(archived_sessions, "STORE_TIMEOUT_S", 0.1)
            await ask(gateway, text, session)


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> SlowArchive:
    # A busy machine lets the CLI write late, and a turn that it has not written does not move.
    monkeypatch.setattr(stored_turn, "WRITTEN_TIMEOUT_S", 30.0)
    return SlowArchive(monkeypatch)


@pytest.fixture
async def running(archive: SlowArchive) -> AsyncIterator[AsyncExitStack]:
    """What tests start; the archive is open again when it ends."""
    async with AsyncExitStack() as stack:
        yield stack
        archive.is_open.set()


@pytest.fixture
async def pair(
    store: RedisServer,
    gateway: GatewayFactory,
    running: AsyncExitStack,
    provider: SimulatedProvider,
    tmp_path: Path,
) -> tuple[Gateway, Gateway, AsyncExitStack]:
    """Two gateways on one store, and what ends the first."""
    assert provider.url
    with redis.Redis(port=store.port) as client:
        client.flushdb()
    begin = running.enter_async_context
    ending = await begin(AsyncExitStack())
    shared: Any = {"modegate_store": store.url}
    other = await begin(gateway(modegate_state_dir=tmp_path / "other", **shared))
    home = await ending.enter_async_context(gateway(modegate_state_dir=tmp_path / "home", **shared))
    return home, other, ending


async def ask(gateway: Gateway, text: str, session: str | None = None) -> str:
    """Has a turn, and returns its session."""
    raw = await gateway.sdk.with_options(max_retries=0).chat.completions.with_raw_response.create(
        model="sonnet",
        messages=[{"role": "user", "content": text}],
        extra_headers=CLAUDE | ({} if session is None else {SESSION: session}),
    )
    return raw.headers[SESSION]


async def test_another_gateway_waits_for_a_turn_that_is_stored_late(
    pair: tuple[Gateway, Gateway, AsyncExitStack],
    archive: SlowArchive,
    provider: SimulatedProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, other, _ = pair
    session = await ask(home, "canary one")
    await archive.answer_late(home, "canary two", session)
    with pytest.raises(openai.InternalServerError) as caught:
        await ask(other, "too early", session)
    assert (caught.value.status_code, caught.value.code) == (503, "storage_unavailable")
    assert int(caught.value.response.headers["Retry-After"]) > 0
    monkeypatch.setattr(registry, "UNSTORED_PATIENCE_S", 60.0)
    waiting = asyncio.create_task(ask(other, "canary three", session))
    before = archive.waited
    await until(lambda: archive.waited > before)  # a gateway looks whether the archive is back
    assert not waiting.done()
    archive.is_open.set()
    await waiting
    heard = str(provider.requests[-1].json["messages"])
    assert [f"canary {it}" in heard for it in ("one", "two", "three")] == [True] * 3
    assert "too early" not in heard


async def test_a_turn_of_a_gateway_that_has_ended_is_not_waited_for(
    pair: tuple[Gateway, Gateway, AsyncExitStack],
    archive: SlowArchive,
    provider: SimulatedProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    home, other, ending = pair
    session = await ask(home, "canary one")
    await archive.answer_late(home, "canary two", session)
    with pytest.raises(openai.InternalServerError):
        await ask(other, "too early", session)
    await ending.aclose()
    archive.is_open.set()
    with caplog.at_level(logging.WARNING):
        await ask(other, "canary three", session)
    heard = str(provider.requests[-1].json["messages"])
    assert [f"canary {it}" in heard for it in ("one", "two", "three")] == [True, False, True]
    assert f"session {session} goes on without its last turn" in caplog.text
