import pytest

from modegate.adapters.memory.concurrency_limiter import MemoryConcurrencyLimiter
from modegate.domain.errors import RateLimitError


async def test_as_many_places_as_there_are_for_each() -> None:
    permits = MemoryConcurrencyLimiter(2)
    async with permits.acquire("a"), permits.acquire("a"), permits.acquire("b"):
        with pytest.raises(RateLimitError, match="allows 2"):
            async with permits.acquire("a"):
                pass
    async with permits.acquire("a"):
        pass
    assert permits.taken == 0
