"""Clean-up that a cancellation must not cut short."""

import asyncio
from collections.abc import Coroutine


async def uninterrupted(work: Coroutine[None, None, None]) -> None:
    """Await `work` to its end, which it must bound itself; a cancellation is raised after it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
