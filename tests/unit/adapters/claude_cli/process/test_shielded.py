import asyncio

import pytest

from modegate.adapters.claude_cli.process.shielded import cancelled, run_shielded


async def test_shielded_work_completes_and_its_error_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("boom")

    await run_shielded(asyncio.sleep(0))
    with pytest.raises(ValueError, match="boom"):
        await run_shielded(fail())


async def test_a_cancellation_is_raised_even_if_the_shielded_work_fails_later() -> None:
    go_on = asyncio.Event()

    async def fail() -> None:
        await go_on.wait()
        raise ValueError("boom")

    task = asyncio.create_task(run_shielded(fail()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_cancellations_wait_for_shielded_work_to_finish() -> None:
    began, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        await go_on.wait()
        done.set()

    task = asyncio.create_task(run_shielded(work()))
    await began.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    await asyncio.wait({task})
    assert done.is_set()
    assert task.cancelled()


async def test_cancelled_cancels_a_task_and_waits_for_its_end() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancelled(task)
    assert ended.is_set()
    await cancelled(task)


async def test_waiting_for_a_cancelled_task_can_itself_be_cancelled() -> None:
    go_on = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await go_on.wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    closing = asyncio.create_task(cancelled(task))
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()
    go_on.set()
    await asyncio.wait({task})


def test_cancelled_ignores_a_task_of_a_closed_event_loop() -> None:
    loop = asyncio.new_event_loop()
    work = asyncio.Event().wait()
    task: asyncio.Task[object] = loop.create_task(work)
    loop.close()
    asyncio.run(cancelled(task))
    work.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - intended
