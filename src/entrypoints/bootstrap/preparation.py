"""Background work after a start, so that the first requests need not wait for it."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from modegate.entrypoints.bootstrap.background import BackgroundTask

log = logging.getLogger(__name__)


class Preparation:
    """Prepares the backends one after the other while the server already answers.

    `then` is called when all have ended, failed ones included.
    """

    def __init__(
        self, steps: Sequence[Callable[[], Awaitable[None]]], then: Callable[[], object] | None
    ) -> None:
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
        for step in self._steps:
            try:
                await step()
            except Exception:
                log.exception("preparation failed: the first request will repeat it")
        if self._then is not None:
            self._then()
