"""Parts of adapters that take new settings while they run."""

import asyncio

import pytest

from modegate.adapters.claude_cli.pool.slots import Slots
from modegate.adapters.memory.model_lists import KeptModelLists
from modegate.adapters.memory.rate_limiter import SlidingWindowLimiter
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import CapacityError, RateLimitError
from modegate.domain.quota import Limit
from modegate.domain.routing.upstream import Upstream
from modegate.testing.clock import FakeClock

KEY = Credential("a", ApiKey("sk-a"))
KIMI = Upstream(name="kimi", base_url="http://kimi/v1", credentials=(KEY,))


async def test_more_slots_are_granted_to_those_who_wait() -> None:
    slots = Slots(1, 30.0)
    await slots.acquire()
    waiting = [asyncio.create_task(slots.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    slots.resize(3, 30.0)
    await asyncio.gather(*waiting[:2])
    assert (slots.active, slots.queued) == (3, 1)
    slots.release()
    await waiting[2]
    assert (slots.active, slots.queued) == (3, 0)


async def test_fewer_slots_end_with_their_turns() -> None:
    slots = Slots(3, 30.0)
    for _ in range(3):
        await slots.acquire()
    slots.resize(1, 0.01)
    with pytest.raises(CapacityError):
        await slots.acquire()
    slots.resize(1, 30.0)
    waiting = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    slots.release()
    slots.release()
    await asyncio.sleep(0)
    assert (slots.active, waiting.done()) == (1, False)
    slots.release()
    await waiting
    assert (slots.active, slots.queued) == (1, 0)


async def test_another_window_applies_to_requests_that_were_counted_before() -> None:
    now = [0.0]
    limiter = SlidingWindowLimiter(lambda: now[0])
    await limiter.record(Limit("address", 1, 60.0), "a")
    now[0] = 10.0
    with pytest.raises(RateLimitError):
        await limiter.record(Limit("address", 1, 60.0), "a")
    await limiter.record(Limit("address", 1, 5.0), "a")
    now[0] = 16.0
    assert (await limiter.peek(Limit("address", 1, 60.0), "a")).remaining == 0
    assert (await limiter.peek(Limit("address", 1, 5.0), "a")).remaining == 1


class Catalog:
    """Counts how often an upstream was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def list_models(
        self,
        upstream: Upstream,
        credential: Credential,  # noqa: ARG002
    ) -> list[dict[str, object]]:
        self.asked.append(upstream.base_url)
        return []


@pytest.mark.parametrize(
    ("upstreams", "ttl_s", "later_s", "asked"),
    [
        ((KIMI,), 60.0, 1.0, 1),
        (
            (Upstream(name="kimi", base_url="http://kimi/v1", models=("k",), credentials=(KEY,)),),
            60.0,
            1.0,
            2,
        ),
        ((), 60.0, 1.0, 2),
        ((KIMI,), 5.0, 6.0, 2),
    ],
)
async def test_lists_of_changed_upstreams_are_forgotten(
    upstreams: tuple[Upstream, ...], ttl_s: float, later_s: float, asked: int
) -> None:
    catalog, clock = Catalog(), FakeClock()
    lists = KeptModelLists(catalog, clock, 60.0)
    await lists.of(KIMI, KEY)
    lists.reconfigure(upstreams, ttl_s)
    clock.advance(later_s)
    await lists.of(KIMI, KEY)
    for _ in range(3):  # the list is fetched in the background
        await asyncio.sleep(0)
    assert len(catalog.asked) == asked
    await lists.aclose()
