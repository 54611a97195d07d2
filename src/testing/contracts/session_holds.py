"""The part of the contract of a `SessionStore` about exclusive use."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.session_store import SessionStore
from modegate.domain.access.client import ClientId
from modegate.domain.errors import SessionBusyError
from modegate.domain.session import Session, SessionId

ONE = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
TWO = SessionId("7d9f6c52-8f1e-4a9b-8a55-6a3f0e1c2b22")
# Generous, because the machine may be busy: a store that waits never gets there.
WAIT_TIMEOUT_S = 30.0


class SessionHoldsContract(ABC):
    """Tests the holds of the store that `store` returns."""

    @abstractmethod
    def store(self) -> AbstractAsyncContextManager[SessionStore]:
        """Returns a context whose value is a new, empty store."""

    async def test_holding_a_held_session_fails_without_waiting(self) -> None:
        async with self.store() as store, store.hold(ONE):
            with pytest.raises(SessionBusyError):
                async with asyncio.timeout(WAIT_TIMEOUT_S), store.hold(ONE):
                    pass

    async def test_holding_one_session_does_not_hold_others(self) -> None:
        async with self.store() as store, store.hold(ONE), store.hold(TWO):
            pass

    async def test_a_hold_is_released_if_its_context_raises(self) -> None:
        async with self.store() as store:
            with pytest.raises(RuntimeError, match="boom"):
                async with store.hold(ONE):
                    raise RuntimeError("boom")
            async with store.hold(ONE):
                pass

    async def test_a_hold_is_released_if_its_task_is_cancelled(self) -> None:
        async with self.store() as store:
            held = asyncio.Event()

            async def hold_for_ever() -> None:
                async with store.hold(ONE):
                    held.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(hold_for_ever())
            await held.wait()
            task.cancel()
            await asyncio.wait({task})
            async with store.hold(ONE):
                pass

    async def test_a_held_session_can_be_read_and_written(self) -> None:
        async with self.store() as store, store.hold(ONE):
            await store.put(session(ONE))
            assert await store.get(ONE) == session(ONE)

    async def test_only_one_of_many_concurrent_holds_succeeds(self) -> None:
        async with self.store() as store:
            race = _Race(store, 20)
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                outcomes = await asyncio.gather(*(race.run() for _ in range(20)))
            assert sorted(outcomes) == [False] * 19 + [True]


class _Race:
    """Tasks that want the same hold; each that gets it keeps it until all have an outcome."""

    def __init__(self, store: SessionStore, tasks: int) -> None:
        self._store = store
        self._undecided = tasks
        self._all_decided = asyncio.Event()

    async def run(self) -> bool:
        """Returns whether the task got the hold."""
        try:
            async with self._store.hold(ONE):
                self._decide()
                await self._all_decided.wait()
                return True
        except SessionBusyError:
            self._decide()
            return False

    def _decide(self) -> None:
        self._undecided -= 1
        if not self._undecided:
            self._all_decided.set()


def session(session_id: SessionId, system_prompt: str = "Be brief. ü") -> Session:
    """Returns a session with a value in every field."""
    return Session(
        session_id,
        ClientId("me"),
        10.25,
        20.5,
        f"cli-{session_id}",
        system_prompt,
        turns=3,
        transcript=f"sha-{session_id}",
        unstored=f"turn-{session_id}",
        home=f"gateway-{session_id}",
    )
