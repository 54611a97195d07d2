"""A suite that no adapter can fail proves nothing: each duty has a fake here that breaks it."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from support.waiting import until

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import Answer, Chunk, Completion, Started, TextDelta
from modegate.domain.errors import BackendFailedError, SessionBusyError
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import PassthroughTurn, Turn
from modegate.testing.answer_backend import ScriptedBackend, says
from modegate.testing.contracts.answer_backend import CompletionBackendContract
from modegate.testing.contracts.session_store import SessionStoreContract

Test = Callable[[], Awaitable[None]]


class TestScriptedBackend(CompletionBackendContract[Turn]):
    backend = ScriptedBackend

    def turn(self) -> Turn:
        return PassthroughTurn(body=b"{}")

    def answering(self) -> AbstractAsyncContextManager[ScriptedBackend]:
        return self.world(*says("Hello ", "there."))

    def failing(self) -> AbstractAsyncContextManager[ScriptedBackend]:
        return self.world(BackendFailedError("x"))

    def silent(self) -> AbstractAsyncContextManager[ScriptedBackend]:
        return self.world(3600.0)

    @asynccontextmanager
    async def world(self, *script: Any) -> AsyncIterator[ScriptedBackend]:
        self.made = self.backend(*script)
        yield self.made

    async def released(self) -> None:
        await until(lambda: not self.made.open)


class Mute(ScriptedBackend):
    async def complete(self, turn: Turn) -> Answer:
        answer = await super().complete(turn)
        assert isinstance(answer, Completion)
        return replace(answer, text="")


class NoStart(ScriptedBackend):
    def __init__(self, *script: Any) -> None:
        super().__init__(*(step for step in script if not isinstance(step, Started)))


class NoEnd(ScriptedBackend):
    @asynccontextmanager
    async def stream(self, turn: Turn) -> AsyncIterator[AsyncIterator[Chunk]]:
        async def cut() -> AsyncIterator[Chunk]:
            for step in self.script[:-1]:
                yield step  # type: ignore[misc]

        async with super().stream(turn):
            yield cut()


class LateFailure(ScriptedBackend):
    def __init__(self, *script: Any) -> None:
        failing = isinstance(script[0], BackendFailedError)
        super().__init__(*((Started(), TextDelta("x")) if failing else ()), *script)


class ForeignError(ScriptedBackend):
    async def complete(self, turn: Turn) -> Answer:
        try:
            return await super().complete(turn)
        except BackendFailedError as error:
            raise OSError("raw") from error


class Hoarder(ScriptedBackend):
    @asynccontextmanager
    async def stream(self, turn: Turn) -> AsyncIterator[AsyncIterator[Chunk]]:
        self.open += 1
        async with super().stream(turn) as chunks:
            yield chunks


class OneAtATime(ScriptedBackend):
    async def complete(self, turn: Turn) -> Answer:
        if self.open:
            raise BackendFailedError("busy")
        self.open += 1
        await asyncio.sleep(0.01)
        self.open -= 1
        return await super().complete(turn)


BROKEN_BACKENDS = {
    "test_a_whole_answer_holds_the_text": Mute,
    "test_a_stream_begins_with_its_beginning": NoStart,
    "test_the_chunks_join_to_the_text_and_end_with_the_end": NoEnd,
    "test_a_failure_is_a_gateway_error": ForeignError,
    "test_a_stream_that_cannot_begin_fails_before_its_first_chunk": LateFailure,
    "test_a_cancelled_call_stops_its_work": Hoarder,
    "test_a_stream_that_is_left_stops_its_work": Hoarder,
    "test_a_stream_that_is_cancelled_stops_its_work": Hoarder,
    "test_several_at_once": OneAtATime,
}


class Forgetful(MemorySessionStore):
    async def put(self, session: Session) -> None:
        self._sessions = {session.id: session}


class FirstWins(MemorySessionStore):
    async def put(self, session: Session) -> None:
        self._sessions.setdefault(session.id, session)


class Inventive(MemorySessionStore):
    async def get(self, session_id: SessionId) -> Session | None:
        return await super().get(session_id) or next(iter(self._sessions.values()), _ANY)


class Tidy(MemorySessionStore):
    async def find(self, client: ClientId | None = None) -> list[Session]:
        return sorted(await super().find(client), key=lambda session: session.used_at)


class Guarded(MemorySessionStore):
    async def find(self, client: ClientId | None = None) -> list[Session]:
        return [] if client is None else await super().find(client)


class Premature(MemorySessionStore):
    async def reserve(self, session: Session) -> None:
        await self.put(session)


class Lasting(MemorySessionStore):
    """What was reserved once stays."""

    def __init__(self) -> None:
        super().__init__()
        self._reserved: set[SessionId] = set()

    async def reserve(self, session: Session) -> None:
        self._reserved.add(session.id)

    async def remove(self, session_id: SessionId) -> None:
        if session_id not in self._reserved:
            await super().remove(session_id)


class Strict(MemorySessionStore):
    async def remove(self, session_id: SessionId) -> None:
        del self._sessions[session_id]


class Patient(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        await until(lambda: session_id not in self._held)
        async with super().hold(session_id):
            yield


class OneHold(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        everything = SessionId("everything") if session_id else session_id
        async with super().hold(everything):
            yield


class Sticky(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        if session_id in self._held:
            raise SessionBusyError("held for ever")
        self._held.add(session_id)
        yield


class Locked(MemorySessionStore):
    async def put(self, session: Session) -> None:
        async with self.hold(session.id):
            await super().put(session)


class Open(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        del session_id
        yield


BROKEN_STORES = {
    "test_what_was_put_is_there": Forgetful,
    "test_the_last_put_counts": FirstWins,
    "test_a_clients_own_are_found_the_latest_used_first": Tidy,
    "test_without_a_client_all_are_found": Guarded,
    "test_unknown_is_none": Inventive,
    "test_what_was_removed_is_gone_and_may_be_removed_again": Strict,
    "test_a_reservation_shows_no_session": Premature,
    "test_a_reservation_leaves_the_session_as_it_is": Premature,
    "test_what_was_reserved_can_be_put_and_removed": Lasting,
    "test_a_held_id_is_busy_at_once": Patient,
    "test_holding_one_leaves_the_others_free": OneHold,
    "test_a_hold_ends_with_its_context_however_that_is_left": Sticky,
    "test_a_hold_ends_with_its_task": Sticky,
    "test_a_held_session_can_be_read_and_written": Locked,
    "test_one_of_many_gets_the_hold": Open,
}
_ANY = Session(SessionId("x"), "me", 0.0, 0.0, "x")  # type: ignore[arg-type]


def duties_of(suite: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(suite) if name.startswith("test_")}


def test_every_duty_has_a_fake_that_breaks_it() -> None:
    assert set(BROKEN_BACKENDS) == duties_of(CompletionBackendContract)
    assert set(BROKEN_STORES) == duties_of(SessionStoreContract)


@pytest.mark.parametrize("duty", BROKEN_BACKENDS)
async def test_a_broken_backend_fails(duty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = "modegate.testing.contracts.answer_backend.PROMPT_RELEASE"
    monkeypatch.setattr(suite, 0.3)
    tested = TestScriptedBackend()
    tested.backend = BROKEN_BACKENDS[duty]
    await expect_failure(getattr(tested, duty))


@pytest.mark.parametrize("duty", BROKEN_STORES)
async def test_a_broken_store_fails(duty: str) -> None:
    class Tested(SessionStoreContract):
        @asynccontextmanager
        async def store(self) -> AsyncIterator[MemorySessionStore]:
            yield BROKEN_STORES[duty]()

    await expect_failure(getattr(Tested(), duty))


async def expect_failure(test: Test) -> None:
    try:
        await test()
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - any failure is what is wanted
        return
    pytest.fail("the suite did not notice")
