"""Tests of the contract suites: each contract test must fail for a fake that breaks it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from support.contracts import duties_of, expect_failure
from support.waiting import until

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import AnswerEvent, Started, TextDelta
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import BackendFailedError, SessionBusyError
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import Turn
from modegate.domain.upstream_request import UpstreamRequest, unmetered
from modegate.domain.upstream_response import UpstreamResponse
from modegate.testing.answer_backend import USAGE, ScriptedBackend, says
from modegate.testing.contracts.answer_backend import AnswerBackendContract
from modegate.testing.contracts.relay_backend import RelayBackendContract
from modegate.testing.contracts.session_store import SessionStoreContract
from modegate.testing.relay_backend import RESPONSE, ScriptedRelay
from modegate.testing.upstreams import UPSTREAM


class Echo(ScriptedBackend):
    @asynccontextmanager
    async def generate(self, turn: Turn) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        self.script = says(turn.prompt.text)
        async with super().generate(turn) as events:
            yield events


class TestScriptedBackend(AnswerBackendContract):
    backend = ScriptedBackend
    echo: type[ScriptedBackend] = Echo

    def answering(self) -> AbstractAsyncContextManager[ScriptedBackend]:
        return self.world(self.backend, *says("Hello ", "there."))

    def echoing(self) -> AbstractAsyncContextManager[ScriptedBackend]:
        return self.world(self.echo)

    def failing(self) -> AbstractAsyncContextManager[ScriptedBackend]:
        return self.world(self.backend, BackendFailedError("x"))

    def silent(self) -> AbstractAsyncContextManager[ScriptedBackend]:
        return self.world(self.backend, 3600.0)

    @asynccontextmanager
    async def world(
        self, kind: type[ScriptedBackend], *script: Any
    ) -> AsyncIterator[ScriptedBackend]:
        self.made = kind(*script)
        yield self.made

    async def released(self) -> None:
        await until(lambda: not self.made.open)


class NoTextBackend(ScriptedBackend):
    def __init__(self, *script: Any) -> None:
        super().__init__(*(step for step in script if not isinstance(step, TextDelta)))


class NoStartBackend(ScriptedBackend):
    def __init__(self, *script: Any) -> None:
        super().__init__(*(step for step in script if not isinstance(step, Started)))


class LateFailureBackend(ScriptedBackend):
    def __init__(self, *script: Any) -> None:
        failing = isinstance(script[0], BackendFailedError)
        super().__init__(*((Started(), TextDelta("x")) if failing else ()), *script)


class LeakingBackend(ScriptedBackend):
    @asynccontextmanager
    async def generate(self, turn: Turn) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        self.open += 1
        async with super().generate(turn) as events:
            yield events


class AlwaysCutBackend(ScriptedBackend):
    @asynccontextmanager
    async def generate(self, turn: Turn) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        async with super().generate(turn) as events:
            yield events
        turn.on_cut(USAGE, None)


class PreviousAnswerBackend(Echo):
    """Answers each turn with the answer to the previous turn."""

    before = "nothing"

    @asynccontextmanager
    async def generate(self, turn: Turn) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        before, PreviousAnswerBackend.before = PreviousAnswerBackend.before, turn.prompt.text
        prompt = Prompt.of_text(before, turn.prompt.system)
        async with super().generate(replace(turn, prompt=prompt)) as events:
            yield events


BROKEN_BACKENDS = {
    "test_the_events_of_a_turn_fold_to_its_answer": NoTextBackend,
    "test_an_answer_starts_once_and_finishes_once": NoStartBackend,
    "test_a_failure_is_a_gateway_error_before_the_first_event": LateFailureBackend,
    "test_only_a_cut_turn_is_reported_as_cut": AlwaysCutBackend,
    "test_exiting_the_context_releases_the_backend": LeakingBackend,
    "test_cancellation_releases_the_backend": LeakingBackend,
    "test_each_turn_gets_its_own_answer": PreviousAnswerBackend,
}


class EchoRelay(ScriptedRelay):
    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        if isinstance(self.response, UpstreamResponse) and self.response.status == 200:
            assert isinstance(request.body, bytes)
            self.response = replace(self.response, body=request.body)
        async with super().send(request, credential) as response:
            yield response


class TestScriptedRelay(RelayBackendContract):
    backend: type[ScriptedRelay] = EchoRelay

    def request(self, text: str = "Hi", *, streamed: bool = False) -> UpstreamRequest:
        return UpstreamRequest(upstream=UPSTREAM, body=text.encode(), streamed=streamed)

    def echoing(self) -> AbstractAsyncContextManager[ScriptedRelay]:
        return self.world(RESPONSE)

    def refusing(self) -> AbstractAsyncContextManager[ScriptedRelay]:
        return self.world(UpstreamResponse(self.REFUSAL, (), b"{}"))

    def unreachable(self) -> AbstractAsyncContextManager[ScriptedRelay]:
        return self.world(BackendFailedError("x"))

    def silent(self) -> AbstractAsyncContextManager[ScriptedRelay]:
        return self.world(RESPONSE, SilentRelay)

    @asynccontextmanager
    async def world(
        self,
        response: UpstreamResponse | Exception,
        kind: type[ScriptedRelay] | None = None,
    ) -> AsyncIterator[ScriptedRelay]:
        silent = kind is not None and not issubclass(self.backend, LeakingRelay)
        self.made = (SilentRelay if silent else self.backend)(response)
        yield self.made

    async def released(self) -> None:
        await until(lambda: not self.made.open)


class SilentRelay(ScriptedRelay):
    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        async with super().send(request, credential) as response:
            await asyncio.Event().wait()
            yield response


class LeakingRelay(EchoRelay):
    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        self.open += 1
        async with super().send(request, credential) as response:
            yield response


class UnmeteredRelay(EchoRelay):
    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        async with super().send(replace(request, on_usage=unmetered), credential) as response:
            yield response


class PreviousResponseRelay(ScriptedRelay):
    before = b"nothing"

    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        assert isinstance(request.body, bytes)
        before, PreviousResponseRelay.before = PreviousResponseRelay.before, request.body
        async with EchoRelay(self.response).send(
            replace(request, body=before), credential
        ) as response:
            yield response


class RaisingRelay(ScriptedRelay):
    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        async with super().send(request, credential) as response:
            if response.status != 200:
                raise BackendFailedError("refused")
            yield response


class RawErrorRelay(ScriptedRelay):
    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        try:
            async with super().send(request, credential) as response:
                yield response
        except BackendFailedError as error:
            raise OSError("raw") from error


BROKEN_RELAYS: dict[str, type[ScriptedRelay]] = {
    "test_each_request_gets_its_own_response": PreviousResponseRelay,
    "test_an_upstream_error_is_returned_as_a_response": RaisingRelay,
    "test_an_unreachable_upstream_raises_a_gateway_error": RawErrorRelay,
    "test_each_answer_reports_its_usage_once": UnmeteredRelay,
    "test_exiting_the_context_closes_the_exchange": LeakingRelay,
    "test_cancellation_closes_the_exchange": LeakingRelay,
}


class SingleSessionStore(MemorySessionStore):
    async def put(self, session: Session) -> None:
        self._sessions = {session.id: session}


class FirstPutWinsStore(MemorySessionStore):
    async def put(self, session: Session) -> None:
        self._sessions.setdefault(session.id, session)


class AnySessionStore(MemorySessionStore):
    async def get(self, session_id: SessionId) -> Session | None:
        return await super().get(session_id) or next(iter(self._sessions.values()), _ANY)


class OldestFirstStore(MemorySessionStore):
    async def find(self, client: ClientId | None = None) -> list[Session]:
        return sorted(await super().find(client), key=lambda session: session.used_at)


class ClientRequiredStore(MemorySessionStore):
    async def find(self, client: ClientId | None = None) -> list[Session]:
        return [] if client is None else await super().find(client)


class OldestHistoryFirstStore(MemorySessionStore):
    async def find_by_history(self, history: str, limit: int) -> list[Session]:
        return [*reversed(await super().find_by_history(history, limit))]


class AnyHistoryStore(MemorySessionStore):
    async def find_by_history(self, history: str, limit: int) -> list[Session]:
        del history
        return list(self._sessions.values())[:limit]


class PutCountingStore(MemorySessionStore):
    """Counts calls of `put` instead of sessions."""

    puts = 0

    async def put(self, session: Session) -> None:
        self.puts += 1
        await super().put(session)

    async def count(self) -> int:
        return self.puts


class IdleOnlyStore(MemorySessionStore):
    """Never removes a session that is used often, however old it is."""

    async def find_expired(self, **wanted: Any) -> list[SessionId]:
        return await super().find_expired(**wanted | {"created_until": 0.0})


class UnlimitedPageStore(MemorySessionStore):
    async def find_expired(self, **wanted: Any) -> list[SessionId]:
        return await super().find_expired(**wanted | {"limit": 1000})


class RepeatedPageStore(MemorySessionStore):
    """Always returns the first page."""

    async def find_expired(self, **wanted: Any) -> list[SessionId]:
        return await super().find_expired(**wanted | {"after": None})


class NoUnknownIdsStore(MemorySessionStore):
    async def find_unknown(self, ids: Sequence[SessionId]) -> list[SessionId]:
        del ids
        return []


class VisibleReservationStore(MemorySessionStore):
    async def reserve(self, session: Session) -> None:
        await self.put(session)


class UnremovableReservationStore(MemorySessionStore):
    """Never removes a session that was reserved."""

    def __init__(self) -> None:
        super().__init__()
        self._reserved: set[SessionId] = set()

    async def reserve(self, session: Session) -> None:
        self._reserved.add(session.id)

    async def remove(self, session_id: SessionId) -> None:
        if session_id not in self._reserved:
            await super().remove(session_id)


class MarkKeepingStore(MemorySessionStore):
    async def put(self, session: Session) -> None:
        before = self._sessions.get(session.id)
        if before is not None and before.unstored:
            session = session.with_unstored(before.unstored, before.home)
        await super().put(session)


class NonIdempotentRemoveStore(MemorySessionStore):
    async def remove(self, session_id: SessionId) -> None:
        del self._sessions[session_id]


class WaitingHoldStore(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        await until(lambda: session_id not in self._held)
        async with super().hold(session_id):
            yield


class GlobalHoldStore(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        everything = SessionId("everything") if session_id else session_id
        async with super().hold(everything):
            yield


class UnreleasedHoldStore(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        if session_id in self._held:
            raise SessionBusyError("never released")
        self._held.add(session_id)
        yield


class LockingPutStore(MemorySessionStore):
    async def put(self, session: Session) -> None:
        async with self.hold(session.id):
            await super().put(session)


class NoHoldStore(MemorySessionStore):
    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        del session_id
        yield


BROKEN_STORES = {
    "test_get_returns_a_stored_session": SingleSessionStore,
    "test_a_later_put_overwrites_an_earlier_one": FirstPutWinsStore,
    "test_a_session_is_marked_as_long_as_its_last_turn_is_not_stored": MarkKeepingStore,
    "test_find_returns_a_clients_sessions_most_recently_used_first": OldestFirstStore,
    "test_find_without_a_client_returns_all_sessions": ClientRequiredStore,
    "test_sessions_are_found_by_their_history_most_recently_used_first": OldestHistoryFirstStore,
    "test_a_session_is_found_by_its_latest_history_only": FirstPutWinsStore,
    "test_a_history_is_found_with_its_own_client_and_system_prompt_only": AnyHistoryStore,
    "test_sessions_are_counted": PutCountingStore,
    "test_expired_sessions_are_idle_or_old": IdleOnlyStore,
    "test_expired_sessions_come_in_pages_sorted_by_id": UnlimitedPageStore,
    "test_paging_expired_sessions_ends_even_if_none_is_removed": RepeatedPageStore,
    "test_find_unknown_returns_the_ids_without_a_session": NoUnknownIdsStore,
    "test_get_returns_none_for_an_unknown_id": AnySessionStore,
    "test_remove_deletes_a_session_and_is_idempotent": NonIdempotentRemoveStore,
    "test_a_reserved_session_is_not_visible": VisibleReservationStore,
    "test_reserving_does_not_change_a_stored_session": VisibleReservationStore,
    "test_a_reserved_session_can_be_put_and_removed": UnremovableReservationStore,
    "test_holding_a_held_session_fails_without_waiting": WaitingHoldStore,
    "test_holding_one_session_does_not_hold_others": GlobalHoldStore,
    "test_a_hold_is_released_if_its_context_raises": UnreleasedHoldStore,
    "test_a_hold_is_released_if_its_task_is_cancelled": UnreleasedHoldStore,
    "test_a_held_session_can_be_read_and_written": LockingPutStore,
    "test_only_one_of_many_concurrent_holds_succeeds": NoHoldStore,
}
_ANY = Session(SessionId("x"), "me", 0.0, 0.0, "x")  # type: ignore[arg-type]


def test_every_contract_test_has_a_fake_that_breaks_it() -> None:
    assert set(BROKEN_BACKENDS) == duties_of(AnswerBackendContract)
    assert set(BROKEN_RELAYS) == duties_of(RelayBackendContract)
    assert set(BROKEN_STORES) == duties_of(SessionStoreContract)


@pytest.mark.parametrize("duty", BROKEN_BACKENDS)
async def test_each_contract_test_fails_for_a_broken_backend(
    duty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.testing.contracts.answer_backend.RELEASE_TIMEOUT_S", 0.3)
    tested = TestScriptedBackend()
    tested.backend = tested.echo = BROKEN_BACKENDS[duty]
    await expect_failure(getattr(tested, duty))


@pytest.mark.parametrize("duty", BROKEN_RELAYS)
async def test_each_contract_test_fails_for_a_broken_relay(
    duty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.testing.contracts.relay_backend.RELEASE_TIMEOUT_S", 0.3)
    tested = TestScriptedRelay()
    tested.backend = BROKEN_RELAYS[duty]
    await expect_failure(getattr(tested, duty))


@pytest.mark.parametrize("duty", BROKEN_STORES)
async def test_each_contract_test_fails_for_a_broken_store(
    duty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.testing.contracts.session_holds.WAIT_TIMEOUT_S", 0.3)

    class Tested(SessionStoreContract):
        @asynccontextmanager
        async def store(self) -> AsyncIterator[MemorySessionStore]:
            yield BROKEN_STORES[duty]()

    await expect_failure(getattr(Tested(), duty))
