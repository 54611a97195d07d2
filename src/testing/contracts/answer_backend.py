"""The contract of a `CompletionBackend`."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

import pytest

from modegate.application.ports.answer_backend import CompletionBackend
from modegate.domain.answer.events import Completion, Finished, Started, TextDelta
from modegate.domain.errors import GatewayError
from modegate.domain.upstream_exchange import ResponseHead, UpstreamResponse

TurnT = TypeVar("TurnT")

PROMPT_RELEASE = 2.0


@pytest.mark.anyio
class CompletionBackendContract(ABC, Generic[TurnT]):
    """Tests a backend in three scenarios; each is a context whose value is the backend.

    In `answering` the model answers `ANSWER`. In `failing` the turn cannot succeed. In `silent` the
    model never answers.
    """

    ANSWER = "Hello there."

    @abstractmethod
    def turn(self) -> TurnT:
        """Returns a new turn."""

    @abstractmethod
    def answering(self) -> AbstractAsyncContextManager[CompletionBackend[TurnT]]:
        """Returns a context with a backend whose model answers `ANSWER`."""

    @abstractmethod
    def failing(self) -> AbstractAsyncContextManager[CompletionBackend[TurnT]]:
        """Returns a context with a backend that fails before the first word."""

    @abstractmethod
    def silent(self) -> AbstractAsyncContextManager[CompletionBackend[TurnT]]:
        """Returns a context with a backend whose model never answers."""

    @abstractmethod
    async def released(self) -> None:
        """Returns once the last backend has stopped all of its work."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_a_whole_answer_holds_the_text(self) -> None:
        async with self.answering() as backend:
            answer = await backend.complete(self.turn())
        match answer:
            case Completion(text):
                assert text == self.ANSWER
            case UpstreamResponse(status, _, body):
                assert status == 200
                assert self.ANSWER.encode() in body

    async def test_a_stream_begins_with_its_beginning(self) -> None:
        async with self.answering() as backend, backend.stream(self.turn()) as chunks:
            assert isinstance(await anext(chunks), Started | ResponseHead)
            async for _ in chunks:
                pass

    async def test_the_chunks_join_to_the_text_and_end_with_the_end(self) -> None:
        async with self.answering() as backend, backend.stream(self.turn()) as chunks:
            seen = [chunk async for chunk in chunks]
        if isinstance(seen[0], Started):
            assert "".join(c.text for c in seen if isinstance(c, TextDelta)) == self.ANSWER
            assert isinstance(seen[-1], Finished)
            assert sum(isinstance(chunk, Finished) for chunk in seen) == 1
        else:
            assert all(isinstance(chunk, bytes) for chunk in seen[1:])

    async def test_a_failure_is_a_gateway_error(self) -> None:
        async with self.failing() as backend:
            with pytest.raises(GatewayError):
                await backend.complete(self.turn())

    async def test_a_stream_that_cannot_begin_fails_before_its_first_chunk(self) -> None:
        async with self.failing() as backend:
            with pytest.raises(GatewayError):
                async with backend.stream(self.turn()) as chunks:
                    await anext(chunks)

    async def test_a_cancelled_call_stops_its_work(self) -> None:
        async with self.silent() as backend:
            task = asyncio.ensure_future(backend.complete(self.turn()))
            await asyncio.sleep(0.1)  # any moment during the call
            task.cancel()
            await asyncio.wait({task}, timeout=PROMPT_RELEASE)
            assert task.cancelled()
            await self._released()

    async def test_a_stream_that_is_left_stops_its_work(self) -> None:
        async with self.answering() as backend:
            async with backend.stream(self.turn()) as chunks:
                await anext(chunks)
            await self._released()

    async def test_a_stream_that_is_cancelled_stops_its_work(self) -> None:
        async with self.silent() as backend:

            async def consume() -> None:
                async with backend.stream(self.turn()) as chunks:
                    async for _ in chunks:
                        pass

            task = asyncio.create_task(consume())
            await asyncio.sleep(0.1)  # any moment during the call
            task.cancel()
            await asyncio.wait({task}, timeout=PROMPT_RELEASE)
            assert task.cancelled()
            await self._released()

    async def test_several_at_once(self) -> None:
        async with self.answering() as backend:
            answers = await asyncio.gather(*(backend.complete(self.turn()) for _ in range(3)))
        assert len(answers) == 3

    async def _released(self) -> None:
        async with asyncio.timeout(PROMPT_RELEASE):
            await self.released()
