"""Work that cancellation must not interrupt, and work that is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_shielded(work: Coroutine[Any, Any, T]) -> T:
    """Awaits `work` to its end, which must bound itself; a cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # retrieved here, or the event loop reports it
        raise cancelled
    return task.result()


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel the task and wait for its end; a cancellation of the caller is raised as usual.

    A no-op where it has ended, or belongs to an event loop that runs no more.
    """
    if not task.done() and task.get_loop() is asyncio.get_running_loop():
        task.cancel()
        await asyncio.wait({task})
