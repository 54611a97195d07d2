"""Reaps what the first process of a container inherits: descendants whose parent has ended.

The event loop and its libraries wait for the children that they started, each by its id; a zombie
that nobody waits for stays. One that is seen at two looks is such a one: between two looks the
event loop has handled every SIGCHLD of its own (uvloop 0.23 waits for its own ids alone).
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator

INIT = 1
LOOK_EVERY_S = 1.0
# While there is a zombie: several turns of the event loop.
LOOK_AGAIN_S = 0.01


def first_zombie() -> int | None:
    """A child that has ended, left as it is; None where there is none."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # no children at all
        return None
    return found.si_pid if found is not None else None


def reap(pid: int) -> None:
    """Take the child's exit status, which ends the zombie; a no-op where it is gone."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


class OrphanReaper:
    """Reaps each zombie that two looks in succession have found."""

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
        """Begin; returns at once."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """End; what is a zombie then ends with this process."""
        if self._task is not None:
            self._task.cancel()

    def look(self) -> bool:
        """Reap what the last look has found too; returns whether there is another zombie."""
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
    """Reaps orphans while the context is open; a no-op unless this process is the one with the id 1.

    Others do not inherit them: this one does not ask to (PR_SET_CHILD_SUBREAPER), for the system's
    first process does it as well.
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
