"""The memory of the limiter of one process."""

import pytest

from modegate.adapters.memory.admission_limiter import MemoryAdmissionLimiter
from modegate.domain.errors import RateLimitError
from modegate.domain.quota import KeyLimits, Limit

ADDRESS = Limit("address", 100, 60)


async def test_keys_without_permits_are_removed_from_memory() -> None:
    limiter = MemoryAdmissionLimiter()
    for number in range(3):
        await limiter.acquire(ADDRESS, "a", KeyLimits(str(number), 1))
    with pytest.raises(RateLimitError):
        await limiter.acquire(ADDRESS, "a", KeyLimits("0", 1))
    assert limiter.taken == 3
    for number in range(3):
        limiter.release(str(number))
    assert limiter.taken == 0
    assert not limiter._taken  # noqa: SLF001
