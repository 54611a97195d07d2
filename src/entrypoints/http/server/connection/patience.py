"""Bounds the time that a request may take to arrive."""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl


class Patience:
    """A timer for the whole of a request; while an upload is expected, for each silence of it.

    It does not expire while `flow` is paused: then the server itself reads no further. `expired` is
    called at the end.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        flow: FlowControl,
        expired: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._flow = flow
        self._expired = expired
        self._timer: asyncio.TimerHandle | None = None
        self._seconds = 0.0
        self.expects_upload = False

    def start(self, seconds: float) -> None:
        """Starts the timer, unless it runs; during an upload, it starts anew."""
        if self._timer is not None and not self.expects_upload:
            return
        self.stop()
        self._seconds = seconds
        self._timer = self._loop.call_later(seconds, self._expire)

    def stop(self) -> None:
        """Stops the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def expect_upload(self) -> None:
        """Bounds each silence of the current request by itself."""
        self.expects_upload = True

    def _expire(self) -> None:
        self._timer = None
        if self.expects_upload and self._flow.read_paused:
            self.start(self._seconds)
        else:
            self._expired()
