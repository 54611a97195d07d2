"""The duties of an `AdmissionLimiter`, besides those of a `RateLimiter`."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.admission_limiter import AdmissionLimiter
from modegate.domain.errors import RateLimitError
from modegate.domain.quota import KeyLimits, Limit, Quota

# Generous, because the machine may be busy: a limiter that waits never gets there.
WAIT_TIMEOUT_S = 30.0
# The window is long, so that no request leaves it while a slow machine runs the test.
WINDOW_S = 3600.0
ADDRESS = Limit("address", 1_000, WINDOW_S)


@pytest.mark.anyio
class AdmissionLimiterContract(ABC):
    """Give `limiter`: a context whose value is a limiter that has counted nothing."""

    PERMITS = 2

    @abstractmethod
    def limiter(self) -> AbstractAsyncContextManager[AdmissionLimiter]:
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
                    await _acquire(limiter, "a")

    async def test_keys_are_counted_separately(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            await _acquire(limiter, "b")

    async def test_a_released_permit_can_be_acquired_again(self) -> None:
        async with self.limiter() as limiter:
            for _ in range(2 * self.PERMITS):
                await _acquire(limiter, "a")
                limiter.release("a")

    async def test_a_release_frees_one_permit_of_its_key(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            await _exhaust(limiter, "b")
            limiter.release("a")
            await _acquire(limiter, "a")
            for subject in ("a", "b"):
                with pytest.raises(RateLimitError):
                    await _acquire(limiter, subject)

    async def test_concurrent_requests_do_not_exceed_the_permits(self) -> None:
        async with self.limiter() as limiter:
            attempts = [_acquire(limiter, "a") for _ in range(4 * self.PERMITS)]
            outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        rejected = [it for it in outcomes if isinstance(it, BaseException)]
        assert len(outcomes) - len(rejected) == self.PERMITS
        assert all(isinstance(it, RateLimitError) for it in rejected), rejected

    async def test_the_number_of_permits_is_that_of_the_request(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            await _acquire(limiter, "a", self.PERMITS + 1)
            with pytest.raises(RateLimitError):
                await _acquire(limiter, "a", self.PERMITS + 1)

    async def test_a_rejection_releases_nothing(self) -> None:
        async with self.limiter() as limiter:
            await _exhaust(limiter, "a")
            for _ in range(2):
                with pytest.raises(RateLimitError):
                    await _acquire(limiter, "a")

    async def test_the_address_is_counted_first_and_for_every_request(self) -> None:
        limit = Limit("address", 3, WINDOW_S)
        async with self.limiter() as limiter:
            await limiter.acquire(limit, "x")
            await limiter.acquire(limit, "x", KeyLimits("a", 1))
            with pytest.raises(RateLimitError) as no_permit:
                await limiter.acquire(limit, "x", KeyLimits("a", 1))
            with pytest.raises(RateLimitError) as caught:
                await limiter.acquire(limit, "x", KeyLimits("a", 1))
            assert (await limiter.peek(limit, "y")).remaining == 3
        assert no_permit.value.quota is None
        assert caught.value.quota is not None
        assert 0 < (caught.value.retry_after or 0) <= WINDOW_S

    async def test_a_request_without_a_permit_does_not_count_for_the_rate_of_its_key(self) -> None:
        rate = Limit("key", 2, WINDOW_S)
        async with self.limiter() as limiter:
            await limiter.acquire(ADDRESS, "x", KeyLimits("a", 1, rate))
            with pytest.raises(RateLimitError):
                await limiter.acquire(ADDRESS, "x", KeyLimits("a", 1, rate))
            assert (await limiter.peek(rate, "a")).remaining == 1

    async def test_a_request_that_the_rate_rejects_holds_no_permit(self) -> None:
        rate = Limit("key", 1, WINDOW_S)
        async with self.limiter() as limiter:
            await limiter.acquire(ADDRESS, "x", KeyLimits("a", 2, rate))
            with pytest.raises(RateLimitError) as caught:
                await limiter.acquire(ADDRESS, "x", KeyLimits("a", 2, rate))
            await limiter.acquire(ADDRESS, "x", KeyLimits("a", 2))
        assert caught.value.quota is not None
        assert (caught.value.quota.limit, caught.value.quota.remaining) == (1, 0)

    async def test_the_quota_is_that_with_fewer_requests_remaining(self) -> None:
        async with self.limiter() as limiter:
            low = await limiter.acquire(ADDRESS, "x", KeyLimits("a", 9, Limit("key", 5, WINDOW_S)))
            high = Limit("key", 9_000, WINDOW_S)
            other = await limiter.acquire(ADDRESS, "x", KeyLimits("b", 9, high))
        assert (low.limit, low.remaining) == (5, 4)
        assert (other.limit, other.remaining) == (1_000, 998)

    async def test_a_cancelled_call_acquires_nothing(self) -> None:
        async with self.limiter() as limiter:
            for turns in range(4):
                acquiring = asyncio.ensure_future(_acquire(limiter, "a", 1))
                for _ in range(turns):
                    await asyncio.sleep(0)
                acquiring.cancel()
                await asyncio.wait({acquiring})
                if not acquiring.cancelled() and acquiring.exception() is None:  # it was faster
                    limiter.release("a")
            await _acquire(limiter, "a", 1)


async def _acquire(
    limiter: AdmissionLimiter, subject: str, permits: int = AdmissionLimiterContract.PERMITS
) -> Quota:
    return await limiter.acquire(ADDRESS, "contract", KeyLimits(subject, permits))


async def _exhaust(limiter: AdmissionLimiter, subject: str) -> None:
    for _ in range(AdmissionLimiterContract.PERMITS):
        await _acquire(limiter, subject)
