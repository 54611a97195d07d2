"""Reaps orphans that the first process of a container inherits.

The event loop and its libraries wait for their own children by id; all other zombies remain. A
zombie found by two consecutive checks is an orphan: in between, the event loop has handled every
SIGCHLD of its own children (uvloop 0.23 waits only for their ids).
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator

INIT = 1
LOOK_EVERY_S = 1.0
# While there is a zombie: several iterations of the event loop.
LOOK_AGAIN_S = 0.01


def first_zombie() -> int | None:
    """Returns the id of a zombie without reaping it; None if there is none."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # no children at all
        return None
    return found.si_pid if found is not None else None


def reap(pid: int) -> None:
    """Reaps the zombie by reading its exit status; a no-op if it no longer exists."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


class OrphanReaper:
    """Reaps each zombie that two consecutive checks have found."""

    def __init__(
        self,
        look: Callable[[], int | None] = first_zombie,
        reap: Callable[[int], None] = reap,
    ) -> None:
        self._look = look
        self._reap = reap
        self._seen: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the background task."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Stops the task; remaining zombies end with this process."""
        if self._task is not None:
            self._task.cancel()

    def look(self) -> bool:
        """Reaps the zombie that the last check also found; returns whether another one remains."""
        found = self._look()
        if found is not None and found == self._seen:
            self._reap(found)
            found = self._look()
        self._seen = found
        return found is not None

    async def _run(self) -> None:
        while True:  # noqa: ASYNC110 - a zombie sets no event
            await asyncio.sleep(LOOK_AGAIN_S if self.look() else LOOK_EVERY_S)


@contextlib.contextmanager
def reaping_orphans() -> Iterator[None]:
    """Reaps orphans while the context is open; a no-op unless this process has the id 1.

    Other processes inherit no orphans: modegate does not set PR_SET_CHILD_SUBREAPER, because the
    system's first process reaps them.
    """
    if os.getpid() != INIT:
        yield
        return
    reaper = OrphanReaper()
    reaper.start()
    try:
        yield
    finally:
        reaper.stop()
