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
    """Give `limiter`: a context whose value is a limiter."""

    LIMIT = 2

    @abstractmethod
    def limiter(self) -> AbstractAsyncContextManager[ConcurrencyLimiter]:
        """A new limiter."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop."""
        return "asyncio"

    async def test_a_permit_above_the_limit_is_rejected_without_waiting(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                with pytest.raises(RateLimitError):
                    await limiter.acquire("a", self.LIMIT)

    async def test_subjects_are_counted_separately(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            await limiter.acquire("b", self.LIMIT)

    async def test_a_released_permit_can_be_acquired_again(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(2 * self.LIMIT):
                await limiter.acquire("a", self.LIMIT)
                await limiter.release("a")

    async def test_a_release_frees_one_permit_of_its_subject(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            await _exhaust(limiter, "b")
            await limiter.release("a")
            await limiter.acquire("a", self.LIMIT)
            for subject in ("a", "b"):
                with pytest.raises(RateLimitError):
                    await limiter.acquire(subject, self.LIMIT)

    async def test_concurrent_requests_do_not_exceed_the_limit(self) -> None:
        async with self.limiter() as limiter:
            attempts = [limiter.acquire("a", self.LIMIT) for _ in range(4 * self.LIMIT)]
            outcomes = await asyncio.gather(*attempts, return_exceptions=True)
            assert outcomes.count(None) == self.LIMIT
            rejected = [it for it in outcomes if it is not None]
            assert all(isinstance(it, RateLimitError) for it in rejected), rejected

    async def test_the_limit_is_that_of_the_request(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            await limiter.acquire("a", self.LIMIT + 1)
            with pytest.raises(RateLimitError):
                await limiter.acquire("a", self.LIMIT + 1)

    async def test_a_rejection_releases_nothing(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            for _ in range(2):
                with pytest.raises(RateLimitError):
                    await limiter.acquire("a", self.LIMIT)


async def _exhaust(limiter: ConcurrencyLimiter, subject: str) -> None:
    limit = ConcurrencyLimiterContract.LIMIT
    for _ in range(limit):
        await limiter.acquire(subject, limit)
