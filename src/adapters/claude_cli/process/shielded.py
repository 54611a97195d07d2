"""Helpers that shield work from cancellation, and that cancel a task."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def run_shielded(work: Awaitable[T]) -> T:
    """Awaits `work` to its end; raises a pending cancellation afterwards.

    `work` must be bounded in time.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # mark it as retrieved, or the event loop logs it
        raise cancelled
    return task.result()


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancels the task and waits for its end; the caller can be cancelled as usual.

    A no-op if the task has ended, or belongs to another event loop.
    """
    if not task.done() and task.get_loop() is asyncio.get_running_loop():
        task.cancel()
        await asyncio.wait({task})
