import asyncio

import pytest

from modegate.adapters.limits import rate_limiter
from modegate.adapters.limits.rate_limiter import SlidingWindows
from modegate.domain.errors import RateLimitError
from modegate.domain.quota import Limit

THREE = Limit("x", 3, 60)


async def test_exactly_as_many_as_the_limit_says() -> None:
    windows = SlidingWindows()
    assert [(await windows.hit(THREE, "a")).remaining for _ in range(3)] == [2, 1, 0]
    for _ in range(2):
        with pytest.raises(RateLimitError, match="More than 3 requests in 60 s"):
            await windows.hit(THREE, "a")
    assert (await windows.hit(THREE, "b")).remaining == 2
    assert (await windows.hit(Limit("y", 3, 60), "a")).remaining == 2


async def test_a_thousand_at_once() -> None:
    windows = SlidingWindows()
    limit = Limit("x", 100, 60)

    async def ask() -> bool:
        try:
            await windows.hit(limit, "a")
        except RateLimitError:
            return False
        return True

    assert sum(await asyncio.gather(*(ask() for _ in range(1000)))) == 100


async def test_the_window_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    windows, limit = SlidingWindows(), Limit("x", 2, 1.5)
    await windows.hit(limit, "a")
    now[0] += 1.0
    await windows.hit(limit, "a")
    with pytest.raises(RateLimitError) as caught:
        await windows.hit(limit, "a")
    assert caught.value.retry_after == pytest.approx(0.5)
    now[0] += 0.6  # the first one has left the window, the second has not
    assert (await windows.hit(limit, "a")).remaining == 0
    with pytest.raises(RateLimitError):
        await windows.hit(limit, "a")


async def test_windows_that_are_empty_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limiter, "SWEEP_EVERY", 50)
    windows, limit = SlidingWindows(), Limit("x", 2, 0.001)
    async with asyncio.timeout(5):
        subject = 0
        while subject < 200 or len(windows._storage.events) > 100:  # noqa: SLF001
            subject += 1
            await windows.hit(limit, str(subject))
            await asyncio.sleep(0)
