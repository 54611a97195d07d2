"""The duties of a `RateLimiter`."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.rate_limiter import RateLimiter
from modegate.domain.errors import RateLimitError
from modegate.domain.quota import Limit

# The window is long, so that no request leaves it while a slow machine runs the test.
LIMIT = Limit("contract", 3, 3600)
OTHER_LIMIT = Limit("other", 3, 3600)
AT_ONCE = 50


@pytest.mark.anyio
class RateLimiterContract(ABC):
    """Give `limiter`: a context whose value is a limiter that has counted nothing."""

    @abstractmethod
    def limiter(self) -> AbstractAsyncContextManager[RateLimiter]:
        """A new limiter."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop."""
        return "asyncio"

    async def test_the_limit_is_exact(self) -> None:
        async with self.limiter() as limiter:
            left = [(await limiter.record(LIMIT, "a")).remaining for _ in range(3)]
            assert left == [2, 1, 0]
            with pytest.raises(RateLimitError):
                await limiter.record(LIMIT, "a")

    async def test_the_limit_is_exact_for_concurrent_requests(self) -> None:
        async with self.limiter() as limiter:
            results = await asyncio.gather(
                *(limiter.record(LIMIT, "a") for _ in range(AT_ONCE)), return_exceptions=True
            )
        assert sum(not isinstance(result, BaseException) for result in results) == LIMIT.requests
        assert all(
            isinstance(it, RateLimitError) for it in results if isinstance(it, BaseException)
        )

    async def test_subjects_are_counted_separately(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(3):
                await limiter.record(LIMIT, "a")
            assert (await limiter.record(LIMIT, "b")).remaining == 2

    async def test_limits_are_counted_separately(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(3):
                await limiter.record(LIMIT, "a")
            assert (await limiter.record(OTHER_LIMIT, "a")).remaining == 2

    async def test_a_rejection_says_when_to_retry(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(3):
                await limiter.record(LIMIT, "a")
            with pytest.raises(RateLimitError) as caught:
                await limiter.record(LIMIT, "a")
        assert 0 < (caught.value.retry_after or 0) <= LIMIT.seconds
        assert caught.value.quota is not None
        assert (caught.value.quota.limit, caught.value.quota.remaining) == (3, 0)

    async def test_peeking_counts_nothing(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(5):
                assert (await limiter.peek(LIMIT, "a")).remaining == 3
            assert (await limiter.record(LIMIT, "a")).remaining == 2
