"""Reloads when the settings file changes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from modegate.entrypoints.bootstrap.background import BackgroundTask
from modegate.entrypoints.bootstrap.key_file_watch import Mark, mark_of
from modegate.entrypoints.config.written_settings import is_pipe

# Seconds between two looks. A file must be the same in two of them, so that it is read when it is
# complete.
LOOK_INTERVAL_S = 0.5

log = logging.getLogger(__name__)


class SettingsFileWatch:
    """Calls `reload` when the file is another one; `find` returns its path, None without one.

    A file that is empty or gone is ignored: it is being written. `reload` returns whether it is done
    with this content; else it is called again.
    """

    def __init__(
        self, find: Callable[[], Path | None], reload: Callable[[], Awaitable[bool]]
    ) -> None:
        self._find = find
        self._reload = reload
        self._task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Starts the background task; returns immediately."""
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task."""
        await self._task.aclose()

    async def _run(self) -> None:
        # The first look reloads, too: the file may have changed since it was read at the start.
        seen: object = None
        last: object = None
        while True:
            try:
                # In a thread: the file may be on a slow network file system.
                found = await asyncio.to_thread(self._look)
                if found == last and found != seen and await self._take_over(found):
                    seen = found
                last = found
            except Exception:
                log.exception("look at the settings file failed, will retry")
            await asyncio.sleep(LOOK_INTERVAL_S)

    def _look(self) -> tuple[Path | None, Mark, bool]:
        path = self._find()
        if path is None:
            return None, (), False
        try:  # a pipe would block until it is written to
            is_empty = is_pipe(path) or not path.read_bytes().strip()
        except OSError:
            is_empty = True
        return path, mark_of(path), is_empty

    async def _take_over(self, found: tuple[Path | None, Mark, bool]) -> bool:
        """Returns whether this content needs no other look."""
        path, _, is_empty = found
        if is_empty:
            log.warning("%s is empty or cannot be read: the old settings stay", path)
        elif path is not None:
            return await self._reload()
        return True


@asynccontextmanager
async def watching(watch: SettingsFileWatch | None) -> AsyncIterator[None]:
    """Watches while the context is open; a no-op without a watch."""
    if watch is None:
        yield
        return
    await watch.start()
    try:
        yield
    finally:
        await watch.aclose()
