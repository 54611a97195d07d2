"""The duties of a `ConcurrencyLimiter`."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.concurrency_limiter import ConcurrencyLimiter
from modegate.domain.errors import RateLimitError

# Generous, because the machine may be busy: a limiter that waits never gets there.
WAIT_TIMEOUT_S = 30.0


@pytest.mark.anyio
class ConcurrencyLimiterContract(ABC):
    """Give `limiter`: a context whose value is a limiter of `LIMIT` permits a subject."""

    LIMIT = 2

    @abstractmethod
    def limiter(self) -> AbstractAsyncContextManager[ConcurrencyLimiter]:
        """A new limiter."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop."""
        return "asyncio"

    async def test_one_too_many_is_rejected_at_once(self) -> None:
        async with self.limiter() as limiter, limiter.acquire("a"), limiter.acquire("a"):
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                with pytest.raises(RateLimitError):
                    await _enter(limiter, "a")

    async def test_subjects_are_counted_separately(self) -> None:
        async with self.limiter() as limiter, limiter.acquire("a"), limiter.acquire("a"):
            await _enter(limiter, "b")

    async def test_a_permit_is_released_with_its_context(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(2 * self.LIMIT):
                await _enter(limiter, "a")

    async def test_a_permit_is_released_on_an_error(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(2 * self.LIMIT):
                with pytest.raises(ZeroDivisionError):
                    async with limiter.acquire("a"):
                        raise ZeroDivisionError

    async def test_a_permit_is_released_on_cancellation(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(2 * self.LIMIT):
                entered = asyncio.Event()
                task = asyncio.create_task(_hold(limiter, entered))
                waiting = asyncio.create_task(entered.wait())
                await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if not entered.is_set():
                    await task  # raises the rejection
                task.cancel()
                await asyncio.wait({task})

    async def test_a_rejection_releases_nothing(self) -> None:
        async with self.limiter() as limiter, limiter.acquire("a"), limiter.acquire("a"):
            for _ in range(2):
                with pytest.raises(RateLimitError):
                    await _enter(limiter, "a")


async def _enter(limiter: ConcurrencyLimiter, subject: str) -> None:
    async with limiter.acquire(subject):
        pass


async def _hold(limiter: ConcurrencyLimiter, entered: asyncio.Event) -> None:
    async with limiter.acquire("a"):
        entered.set()
        await asyncio.Event().wait()
