"""Background work after a start, so that the first requests need not wait for it."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from modegate.entrypoints.bootstrap.background import BackgroundTask

log = logging.getLogger(__name__)


Step = Callable[[], Awaitable[None]]


async def run_steps(steps: Sequence[Step]) -> None:
    """Runs the steps one after the other; a failure is logged and does not stop the rest."""
    for step in steps:
        try:
            await step()
        except Exception:
            log.exception("preparation failed: the first request will repeat it")


class Preparation:
    """Prepares the backends one after the other while the server already answers.

    `then` is called when all have ended, failed ones included.
    """

    def __init__(self, steps: Sequence[Step], then: Callable[[], object] | None) -> None:
        self._steps = steps
        self._then = then
        self._running = BackgroundTask(self._run)

    async def start(self) -> None:
        """Starts the work in the background."""
        self._running.start()

    async def aclose(self) -> None:
        """Stops the work, if it is still running."""
        await self._running.aclose()

    async def _run(self) -> None:
        await run_steps(self._steps)
        if self._then is not None:
            self._then()
