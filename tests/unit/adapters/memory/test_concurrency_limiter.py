"""The memory of the in-memory concurrency limiter."""

import pytest

from modegate.adapters.memory.concurrency_limiter import MemoryConcurrencyLimiter
from modegate.domain.errors import RateLimitError


async def test_subjects_without_permits_are_removed_from_memory() -> None:
    limiter = MemoryConcurrencyLimiter()
    for number in range(3):
        await limiter.acquire(str(number), 1)
    with pytest.raises(RateLimitError):
        await limiter.acquire("0", 1)
    assert limiter.taken == 3
    for number in range(3):
        await limiter.release(str(number))
    assert limiter.taken == 0
    assert not limiter._taken  # noqa: SLF001
