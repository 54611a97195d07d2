"""The time bounds of a request; sans-I/O."""

import math


class Deadlines:
    """The time bounds of one request, over all of its attempts.

    `whole_at` is a time of the event loop, after which no wait goes on; the caller may move it to
    a later time. `silence_s` bounds each wait for bytes by itself, in seconds. None means no bound.
    Only waits count: a caller that reads slowly uses up none of its silence.
    """

    __slots__ = ("silence_s", "whole_at")

    def __init__(self, whole_at: float | None = None, silence_s: float | None = None) -> None:
        self.whole_at = whole_at
        self.silence_s = silence_s

    def expiry(self, waiting_since: float) -> float:
        """Returns the loop time at which a wait that began at `waiting_since` expires."""
        whole, silence_s = self.whole_at, self.silence_s
        if whole is None:
            return math.inf if silence_s is None else waiting_since + silence_s
        return whole if silence_s is None else min(whole, waiting_since + silence_s)
