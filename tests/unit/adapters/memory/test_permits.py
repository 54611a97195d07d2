import pytest

from modegate.adapters.memory.permits import MemoryPermits
from modegate.domain.errors import RateLimitError


async def test_as_many_places_as_there_are_for_each() -> None:
    permits = MemoryPermits(2)
    async with permits.take("a"), permits.take("a"), permits.take("b"):
        with pytest.raises(RateLimitError, match="allows 2"):
            async with permits.take("a"):
                pass
    async with permits.take("a"):
        pass
    assert permits.taken == 0
