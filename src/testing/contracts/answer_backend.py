"""The duties of an `AnswerBackend`."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

import pytest

from modegate.application.ports.answer_backend import AnswerBackend
from modegate.domain.answer.events import AnswerEvent, Finished, Started, TextDelta
from modegate.domain.answer.fold import Completion, fold
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import GatewayError
from modegate.domain.turn import Turn
from modegate.testing.turns import answer_turn

# Generous, because the machine may be busy: a backend that leaks never gets there.
RELEASE_TIMEOUT_S = 30.0


@pytest.mark.anyio
class AnswerBackendContract(ABC):
    """Give four worlds, each a context whose value is a backend.

    In `answering` the model says `ANSWER`; in `echoing` its answer contains the turn's text; in
    `failing` no turn can succeed; in `silent` the model never answers.
    """

    ANSWER = "Hello there."

    def turn(self, text: str = "Hi", *, streamed: bool = True) -> Turn:
        """Returns the first turn of a session of its own."""
        return answer_turn(text, streamed=streamed)

    @abstractmethod
    def answering(self) -> AbstractAsyncContextManager[AnswerBackend]:
        """A backend whose model says `ANSWER`."""

    @abstractmethod
    def echoing(self) -> AbstractAsyncContextManager[AnswerBackend]:
        """A backend whose model repeats what it was asked."""

    @abstractmethod
    def failing(self) -> AbstractAsyncContextManager[AnswerBackend]:
        """A backend that fails before the first event."""

    @abstractmethod
    def silent(self) -> AbstractAsyncContextManager[AnswerBackend]:
        """A backend whose model never answers."""

    @abstractmethod
    async def released(self) -> None:
        """Returns when nothing works behind the last backend any more."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_the_events_of_a_turn_fold_to_its_answer(self) -> None:
        for streamed in (False, True):
            async with self.answering() as backend:
                assert (await _complete(backend, self.turn(streamed=streamed))).text == self.ANSWER

    async def test_an_answer_starts_once_and_finishes_once(self) -> None:
        for streamed in (False, True):
            async with self.answering() as backend:
                events = await _all(backend, self.turn(streamed=streamed))
            assert isinstance(events[0], Started)
            assert isinstance(events[-1], Finished)
            assert sum(isinstance(event, Started | Finished) for event in events) == 2
            assert all(event.text for event in events if isinstance(event, TextDelta))

    async def test_a_failure_is_a_gateway_error_before_the_first_event(self) -> None:
        for streamed in (False, True):
            async with self.failing() as backend:
                with pytest.raises(GatewayError):
                    async with backend.generate(self.turn(streamed=streamed)) as events:
                        await anext(events)
                await self._released()

    async def test_only_a_cut_turn_is_reported_as_cut(self) -> None:
        for is_cut in (False, True):
            reported: list[Usage] = []
            turn = replace(self.turn(), on_cut=partial(_collect, reported))
            async with self.answering() as backend, backend.generate(turn) as events:
                await anext(events)
                while not is_cut and await anext(events, None) is not None:
                    pass
            assert len(reported) <= is_cut

    async def test_exiting_the_context_releases_the_backend(self) -> None:
        async with self.answering() as backend:
            async with backend.generate(self.turn()) as events:
                await anext(events)
            await self._released()

    async def test_cancellation_releases_the_backend(self) -> None:
        for streamed in (False, True):
            async with self.silent() as backend:
                task = asyncio.create_task(_all(backend, self.turn(streamed=streamed)))
                await asyncio.sleep(0.1)  # any moment will do
                task.cancel()
                await asyncio.wait({task}, timeout=RELEASE_TIMEOUT_S)
                assert task.cancelled()
                await self._released()

    async def test_each_turn_gets_its_own_answer(self) -> None:
        texts = ("alpha", "bravo", "charlie")
        async with self.echoing() as backend:
            answers = await asyncio.gather(
                *(_complete(backend, self.turn(text, streamed=False)) for text in texts)
            )
        for text, answer in zip(texts, answers, strict=True):
            assert [it for it in texts if it in answer.text] == [text]

    async def _released(self) -> None:
        async with asyncio.timeout(RELEASE_TIMEOUT_S):
            await self.released()


async def _all(backend: AnswerBackend, turn: Turn) -> list[AnswerEvent]:
    async with backend.generate(turn) as events:
        return [event async for event in events]


async def _complete(backend: AnswerBackend, turn: Turn) -> Completion:
    async with backend.generate(turn) as events:
        return await fold(events)


def _collect(reported: list[Usage], usage: Usage, _: str | None) -> None:
    reported.append(usage)
