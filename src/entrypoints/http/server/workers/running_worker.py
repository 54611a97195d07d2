"""The supervisor's view of a worker."""

import os
import time
from contextlib import ExitStack, suppress
from dataclasses import field

from modegate.entrypoints.http.server.workers.orders import (
    STOP,
    Message,
    MessageReader,
    Order,
)
from modegate.lazy_dataclass import dataclass

READ_BYTES = 65_536


class NoPart:
    """The part of a supervisor that has nothing to do itself."""

    def prepare(self, _: Order) -> str | None:
        """Returns no fault."""
        return None

    def commit(self, order: Order) -> None:
        """No-op."""


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """The pipes to and from a worker, and its start time in monotonic seconds.

    `leads` states whether it watches the settings file for all.
    """

    control_pipe: int
    reports: int
    leads: bool
    began: float = field(default_factory=time.monotonic)
    reader: MessageReader = field(default_factory=MessageReader)

    def __post_init__(self) -> None:
        """Makes the pipes non-blocking: a worker that hangs must not stop the supervisor."""
        for number in (self.control_pipe, self.reports):
            os.set_blocking(number, False)

    def stop(self) -> None:
        """Drains and stops the worker; a second call stops it immediately. A no-op if it exited."""
        self.write(STOP)

    def write(self, data: bytes) -> None:
        """Sends a message; a no-op if the worker exited, or has not read for long."""
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self.control_pipe, data)

    def read(self) -> list[Message]:
        """Returns what the worker has reported since the last call."""
        try:
            data = os.read(self.reports, READ_BYTES)
        except BlockingIOError:
            return []
        return [it for it in self.reader.feed(data) if it is not None]

    def close(self) -> None:
        """Closes the pipes."""
        os.close(self.control_pipe)
        os.close(self.reports)


def pipe(opened: ExitStack) -> tuple[int, int]:
    """Returns the descriptors of a pipe to read and to write; `opened` closes both."""
    ends = os.pipe()
    for end in ends:
        opened.callback(os.close, end)
    return ends
