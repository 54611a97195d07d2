"""Rejects new requests while the gateway drains."""

import time
from collections.abc import Callable

import falcon.asgi

from modegate.domain.errors.catalogue import limits

# Attribute of a resource that stays available while draining, such as health and metrics.
AVAILABLE_WHILE_DRAINING = "available_while_draining"


class Draining:
    """Drains: before the end, or while an operator wants it.

    `delay` returns the seconds between the start of draining and the first rejection: a load balancer
    goes on sending requests until its health check fails. `now` returns monotonic seconds.
    """

    def __init__(
        self, delay: Callable[[], float] = float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._delay = delay
        self._now = now
        self._is_ending = False
        # The time from which requests are rejected; None while the gateway does not drain.
        self._rejects_at: float | None = None

    @property
    def is_draining(self) -> bool:
        """Whether the gateway wants no more requests, although it may still accept them."""
        return self._rejects_at is not None

    def end(self) -> float:
        """Drains until the process ends; returns the seconds until requests are rejected."""
        self._is_ending = True
        return max(0.0, self._begin() - self._now())

    def switch(self, *, on: bool) -> None:
        """Drains, or takes it back; a shutdown is not taken back."""
        if on:
            self._begin()
        elif not self._is_ending:
            self._rejects_at = None

    def check(self, resp: falcon.asgi.Response, resource: object) -> None:
        """Rejects the request and closes its connection, unless the resource stays available.

        Raises:
            ShuttingDownError: the gateway drains.
        """
        if self._rejects_at is None or getattr(resource, AVAILABLE_WHILE_DRAINING, False):
            return
        if self._now() >= self._rejects_at:
            resp.set_header("Connection", "close")
            raise limits.shutting_down()

    def _begin(self) -> float:
        if self._rejects_at is None:
            self._rejects_at = self._now() + self._delay()
        return self._rejects_at
