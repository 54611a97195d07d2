import asyncio

import pytest

from modegate.adapters.openai_sdk.transport.silence_bound import SilenceBound

LONG = 60.0


async def test_a_too_long_wait_raises_a_timeout_and_no_cancellation() -> None:
    bound = SilenceBound(0.01)
    with pytest.raises(TimeoutError), bound:
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_time_between_two_waits_does_not_count_as_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, passed = asyncio.get_running_loop(), 0.0
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + passed)

    def jump() -> None:
        nonlocal passed
        passed += 2 * LONG

    bound = SilenceBound(LONG)
    for _ in range(3):
        with bound:
            await asyncio.sleep(0)
        jump()  # a client that reads slowly
        for _ in range(2):
            await asyncio.sleep(0)
    loop.call_soon(jump)
    with pytest.raises(TimeoutError), bound:
        await asyncio.Event().wait()


async def test_many_short_waits_do_not_time_out() -> None:
    bound = SilenceBound(LONG)
    for _ in range(100):
        with bound:
            await asyncio.sleep(0)
    bound.close()


async def test_an_outside_cancellation_is_not_turned_into_a_timeout() -> None:
    async def wait() -> None:
        with SilenceBound(LONG):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_raised_within_the_bound_is_propagated() -> None:
    with pytest.raises(ValueError, match="x"), SilenceBound(LONG):
        raise ValueError("x")
