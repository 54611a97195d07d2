"""Ctrl-C and SIGTERM in a batch: the first lets running requests end, the second cancels them."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Added to the number of a signal in an exit status.
SIGNALLED = 128
WAITING = (
    "modegate: stopping: requests that run are waited for; Ctrl-C again cancels them, and asks "
    "them again in the next run"
)


class Interrupts:
    """Counts interrupts; `stop` is set by the first, and the run is cancelled by the second.

    `status` is the exit status that a shell shows for the first signal.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.status = 0
        self._runner = asyncio.current_task()

    def interrupt(self, received: signal.Signals) -> None:
        """Handles one interrupt."""
        if not self.stop.is_set():
            self.stop.set()
            self.status = SIGNALLED + received
            print(WAITING, file=sys.stderr, flush=True)
        elif self._runner is not None:
            self._runner.cancel()


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handles the signals in the running event loop while the context is open."""
    loop, handling = asyncio.get_running_loop(), Interrupts()
    for received in SIGNALS:
        loop.add_signal_handler(received, handling.interrupt, received)
    try:
        yield handling
    finally:
        for received in SIGNALS:
            loop.remove_signal_handler(received)
