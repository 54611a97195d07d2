"""A task in the background of the server."""

import asyncio
from collections.abc import Awaitable, Callable


class BackgroundTask:
    """Runs work from the start of the server until its end."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None

    @property
    def is_started(self) -> bool:
        """Whether the work was started and not stopped; it may have ended by itself."""
        return self._task is not None

    def start(self) -> None:
        """Starts the work; returns immediately."""
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stops the work. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})  # raises only this task's own cancellation

    async def _run(self) -> None:
        await self._work()
