"""Joins the calls that wait for a store into one call of a script."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

# Bounds the time that one call takes the store, about 10 µs an entry.
MOST_ENTRIES = 200
# A release waits this long for a call that it can join: the next admission is often that near.
PATIENCE_S = 0.002

Send = Callable[[Sequence["Entry"]], Awaitable[Sequence[Any]]]


class Entry(ABC):
    """One step of a batch: its keys and arguments, and what its reply leads to."""

    # Whether a waiter gets the reply; other entries may wait for company.
    is_urgent: bool = True

    keys: Sequence[str]
    arguments: Sequence[Any]

    @abstractmethod
    def succeed(self, reply: Any) -> None:
        """Handles the reply of the store."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """Handles a failed call, which the store may have executed or not."""

    def is_abandoned(self) -> bool:
        """Returns whether it need not be sent any more."""
        return False


class Waiting(Entry):
    """An entry whose caller waits for the reply."""

    def __init__(self) -> None:
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def succeed(self, reply: Any) -> None:
        """Passes the reply to the caller."""
        if not self.future.done():
            self.future.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Raises the error at the caller."""
        if not self.future.done():
            self.future.set_exception(error)

    def is_abandoned(self) -> bool:
        """Returns whether the caller was cancelled."""
        return self.future.done()


class Batcher:
    """Sends one batch at a time, so entries take effect in their order.

    Entries that arrive meanwhile are the next batch. When a batch fails, they fail with it: the
    store is away, and each of them has waited already.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: list[Entry] = []
        self._sending: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, entry: Entry) -> None:
        """Adds an entry to the next batch."""
        self._queue.append(entry)
        if self._sending is not None:
            return
        if entry.is_urgent:
            self._start()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(PATIENCE_S, self._start)

    def add_first(self, entries: Sequence[Entry]) -> None:
        """Puts entries before all that wait; the next batch that is sent has them."""
        self._queue[:0] = entries

    async def flush(self) -> None:
        """Waits until everything was sent once."""
        while self._queue or self._sending is not None:
            if self._sending is None:
                self._start()
            if self._sending is not None:
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({self._sending})

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sending is None and self._queue:
            self._sending = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._queue:
                waiting = [it for it in self._queue if not it.is_abandoned()]
                batch, self._queue = waiting[:MOST_ENTRIES], waiting[MOST_ENTRIES:]
                if batch and not await self._send_batch(batch):
                    return
        finally:
            self._sending = None

    async def _send_batch(self, batch: Sequence[Entry]) -> bool:
        try:
            replies = await self._send(batch)
        except Exception as error:  # noqa: BLE001 - each caller gets it
            failed, self._queue = [*batch, *self._queue], []
            for entry in failed:
                entry.fail(error)
            return False
        for entry, reply in zip(batch, replies, strict=True):
            entry.succeed(reply)
        return True
