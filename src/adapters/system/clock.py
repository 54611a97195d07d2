"""The operating system's clock."""

import time


class SystemClock:
    """Tells the time of day."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()
