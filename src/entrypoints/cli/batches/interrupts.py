"""Ctrl-C in a batch: the first one lets running requests end, the second one cancels them."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

WAITING = (
    "modegate: stopping: requests that run are waited for; Ctrl-C again cancels them, and asks "
    "them again in the next run"
)


class Interrupts:
    """Counts interrupts; `stop` is set by the first, and `runner` is cancelled by the second."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self._runner = asyncio.current_task()

    def interrupt(self) -> None:
        """Handles one interrupt."""
        if not self.stop.is_set():
            self.stop.set()
            print(WAITING, file=sys.stderr, flush=True)
        elif self._runner is not None:
            self._runner.cancel()


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handles SIGINT in the running event loop while the context is open."""
    loop, handling = asyncio.get_running_loop(), Interrupts()
    loop.add_signal_handler(signal.SIGINT, handling.interrupt)
    try:
        yield handling
    finally:
        loop.remove_signal_handler(signal.SIGINT)
