"""Cancels a request whose client has disconnected, or that the shutdown cuts."""

import asyncio
from typing import Any

from modegate.domain.request_record import RequestRecord


class CancellableRequest:
    """A request that is cancelled at most once; `handler` is the task that handles it."""

    record: RequestRecord
    handler: asyncio.Task[Any]
    was_cut = False
    _gone = False

    def cut(self) -> None:
        """Cancels the request once; a second cancellation would interrupt its cleanup."""
        if not self._is_ending:
            self.was_cut = True
            self.handler.cancel()

    def cancelled_by_us(self) -> bool:
        """Returns whether the cancellation came from a disconnect or `cut`, and nothing else."""
        return self._is_ending and self.handler.uncancel() == 0

    @property
    def _is_ending(self) -> bool:
        return self._gone or self.was_cut

    def leave(self) -> None:
        """Records that the client has disconnected, and cancels the request."""
        self.record.client_left = True
        if not self._is_ending:
            self._gone = True
            self.handler.cancel()
