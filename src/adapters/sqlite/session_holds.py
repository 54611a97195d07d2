"""Holds on sessions as asyncio contexts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from modegate.adapters.sqlite.session_locks import SessionLocks
from modegate.domain.session import SessionId

T = TypeVar("T")


class SessionHolds:
    """Takes and releases locks in a thread of its own, because a slow disk blocks both.

    The store's thread would not do: a statement may wait there for seconds, a hold never waits.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks = SessionLocks(folder / "sessions.lock")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="session-locks")
        self._closed = False

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[bool]:
        """Yields whether the id is locked for this context; False if it is locked elsewhere.

        Raises:
            OSError: the lock file cannot be opened.
        """
        taking = self._run(lambda: self._take(session_id))
        try:
            taken = await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(lambda done: self._undo(done, session_id))
            raise
        try:
            yield taken
        finally:
            if taken and not self._closed:  # closing has released it
                # Shielded: a second cancellation must not take the release out of the queue.
                await asyncio.shield(self._run(lambda: self._locks.release(session_id)))

    async def aclose(self) -> None:
        """Releases all of its own locks."""
        if not self._closed:
            self._closed = True
            await self._run(self._locks.close)
            self._thread.shutdown()

    def _take(self, session_id: SessionId) -> bool:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._locks.take(session_id)

    def _undo(self, taking: asyncio.Future[bool], session_id: SessionId) -> None:
        """Releases a lock that was granted while its waiter was being cancelled."""
        if taking.cancelled() or taking.exception() is not None or self._closed:
            return
        if taking.result():
            self._thread.submit(self._locks.release, session_id)

    def _run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)
