import asyncio

import pytest

from modegate.adapters.claude_cli.process.shielded import cancelled, run_shielded


async def test_work_is_done_and_its_error_is_told() -> None:
    async def fail() -> None:
        raise ValueError("boom")

    await run_shielded(asyncio.sleep(0))
    with pytest.raises(ValueError, match="boom"):
        await run_shielded(fail())


async def test_a_cancellation_is_told_though_the_work_fails_after_it() -> None:
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


async def test_cancellations_wait_for_the_end_of_the_work() -> None:
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


async def test_a_task_is_cancelled_and_its_end_waited_for() -> None:
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


async def test_who_cancels_a_task_can_be_cancelled() -> None:
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


def test_a_task_of_an_event_loop_that_has_ended_is_left_alone() -> None:
    loop = asyncio.new_event_loop()
    work = asyncio.Event().wait()
    task: asyncio.Task[object] = loop.create_task(work)
    loop.close()
    asyncio.run(cancelled(task))
    work.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - as is meant
