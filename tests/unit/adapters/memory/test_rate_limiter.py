import asyncio
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.memory.rate_limiter import SlidingWindowLimiter
from modegate.domain.errors import RateLimitError
from modegate.domain.quota import Limit

THREE = Limit("x", 3, 60)


async def test_the_limit_is_exact_per_subject_and_per_limit() -> None:
    windows = SlidingWindowLimiter()
    assert [(await windows.record(THREE, "a")).remaining for _ in range(3)] == [2, 1, 0]
    for _ in range(2):
        with pytest.raises(RateLimitError, match="More than 3 requests of this x in 60 s"):
            await windows.record(THREE, "a")
    assert (await windows.record(THREE, "b")).remaining == 2
    assert (await windows.record(Limit("y", 3, 60), "a")).remaining == 2


async def test_the_limit_is_exact_for_a_thousand_concurrent_requests() -> None:
    windows = SlidingWindowLimiter()
    limit = Limit("x", 100, 60)

    async def ask() -> bool:
        try:
            await windows.record(limit, "a")
        except RateLimitError:
            return False
        return True

    assert sum(await asyncio.gather(*(ask() for _ in range(1000)))) == 100


async def test_the_rate_limit_window_slides() -> None:
    now = [1000.0]
    windows, limit = SlidingWindowLimiter(lambda: now[0]), Limit("x", 2, 1.5)
    await windows.record(limit, "a")
    now[0] += 1.0
    assert (await windows.record(limit, "a")).reset_at == pytest.approx(time.time() + 1.5, abs=1)
    with pytest.raises(RateLimitError) as caught:
        await windows.record(limit, "a")
    assert caught.value.retry_after == 0.5
    now[0] += 0.5  # the first one has left the window, the second has not
    assert (await windows.peek(limit, "a")).remaining == 1
    assert (await windows.record(limit, "a")).remaining == 0
    with pytest.raises(RateLimitError):
        await windows.record(limit, "a")


@given(st.lists(st.integers(0, 3000), max_size=60))
async def test_no_sliding_window_admits_more_requests_than_the_limit(pauses: list[int]) -> None:
    now, admitted = [0.0], list[float]()
    windows, limit = SlidingWindowLimiter(lambda: now[0]), Limit("x", 3, 2000)
    for pause in pauses:
        now[0] += pause
        room = sum(now[0] - at < limit.seconds for at in admitted) < limit.requests
        try:
            await windows.record(limit, "a")
            admitted.append(now[0])
            assert room
        except RateLimitError:
            assert not room


async def test_subjects_idle_for_a_window_are_evicted() -> None:
    now = [0.0]
    windows, limit = SlidingWindowLimiter(lambda: now[0]), Limit("x", 2, 10.0)
    for subject in range(1000):
        now[0] += 1
        await windows.record(limit, str(subject))
        await windows.peek(limit, f"never seen {subject}")
    assert len(windows) == 10


async def test_a_high_limit_uses_less_than_one_megabyte_of_memory() -> None:
    now = [0.0]
    windows, limit = SlidingWindowLimiter(lambda: now[0]), Limit("x", 40_000, 10.0)
    tracemalloc.start()
    try:
        for request in range(40_000):
            now[0] = request / 20_000
            assert (await windows.record(limit, "a")).remaining == 39_999 - request
        with pytest.raises(RateLimitError):
            await windows.record(limit, "a")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000  # the times of 40,000 requests take more
    now[0] = 10.0 + 2 * limit.seconds / 10_000
    assert 39 <= (await windows.peek(limit, "a")).remaining <= 40
