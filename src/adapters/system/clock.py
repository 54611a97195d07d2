"""The clock of the operating system."""

import time


class SystemClock:
    """Returns the current time of the operating system."""

    def now(self) -> float:
        """Returns the seconds since the Unix epoch."""
        return time.time()
