"""A worker's end of the pipes to its supervisor."""

import os
import signal

from modegate.entrypoints.http.server.workers.orders import encode_message
from modegate.lazy_dataclass import dataclass

# Wakes the supervisor, which waits for signals only.
NEWS = signal.SIGUSR1


@dataclass(frozen=True, slots=True)
class Channel:
    """`orders` is the pipe to read, `reports` the one to write, `supervisor` the pid of its reader.

    `leads` states whether this worker watches the settings file for all.
    """

    orders: int
    reports: int
    supervisor: int
    leads: bool = False

    def report(self, kind: str, **fields: object) -> None:
        """Sends a message to the supervisor.

        Raises:
            OSError: the supervisor has ended.
        """
        os.write(self.reports, encode_message(kind, **fields))
        if os.getppid() == self.supervisor:
            os.kill(self.supervisor, NEWS)
