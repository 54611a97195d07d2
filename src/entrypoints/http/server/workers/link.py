"""The worker's side of the agreement with the others."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol

from modegate.entrypoints.http.server.workers.agreement import TOO_SLOW
from modegate.entrypoints.http.server.workers.channel import Channel
from modegate.entrypoints.http.server.workers.orders import (
    Message,
    MessageReader,
    Order,
    OrderRefusedError,
    decode_order,
    encode_order,
)

READ_BYTES = 65_536
# The wait for all workers to prepare an order; and then for the answer of the supervisor.
TIMEOUT_S = 30.0

log = logging.getLogger(__name__)


class Worker(Protocol):
    """Carries out the orders."""

    async def prepare(self, order: Order) -> str | None:
        """Gets ready to carry out an order; returns the fault if that is not possible."""
        ...

    def commit(self, order: Order) -> None:
        """Carries out an order."""
        ...

    async def reload_on_signal(self) -> None:
        """Starts a reload that the supervisor was asked for."""
        ...


class WorkerLink:
    """Follows the supervisor, and proposes orders to it.

    `stop` is called once per `STOP`. If the supervisor dies, `stop_listening` is called, too.
    """

    def __init__(
        self,
        channel: Channel,
        worker: Worker,
        stop: Callable[[], object],
        stop_listening: Callable[[], object],
    ) -> None:
        self._channel = channel
        self._worker = worker
        self._stop = stop
        self._stop_listening = stop_listening
        self._reader = MessageReader()
        self._proposed: dict[str, asyncio.Future[str | None]] = {}
        self._numbers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(channel.orders, self._read)

    async def agree(self, order: Order) -> None:
        """Returns when all workers have carried out the order.

        Raises:
            OrderRefusedError: none of them does.
        """
        round_id = f"{os.getpid()}-{next(self._numbers)}"
        answer: asyncio.Future[str | None] = self._loop.create_future()
        self._proposed[round_id] = answer
        try:
            self._channel.report("propose", id=round_id, order=encode_order(order))
            done, _ = await asyncio.wait({answer}, timeout=TIMEOUT_S)
            if not done:
                self._channel.report("give up", id=round_id)
                done, _ = await asyncio.wait({answer}, timeout=TIMEOUT_S)
            fault = answer.result() if done else TOO_SLOW
        except OSError:
            fault = "the supervisor of the workers has ended"
        finally:
            del self._proposed[round_id]
        if fault is not None:
            raise OrderRefusedError(fault)

    def _read(self) -> None:
        data = os.read(self._channel.orders, READ_BYTES)
        if not data:
            self._loop.remove_reader(self._channel.orders)
            self._stop_listening()
            self._stop()
        for message in self._reader.feed(data):
            if message is None:
                self._stop()
            else:
                self._handle(message)

    def _handle(self, message: Message) -> None:
        kind, round_id = message.get("kind"), str(message.get("id"))
        if kind == "reload":
            self._start(self._worker.reload_on_signal())
        elif kind == "prepare":
            self._start(self._prepare(round_id, decode_order(message.get("order"))))
        elif kind == "commit":
            self._commit(round_id, decode_order(message.get("order")))
        elif (answer := self._proposed.get(round_id)) is not None and not answer.done():
            fault = message.get("fault")
            answer.set_result(None if kind == "agreed" else str(fault))

    async def _prepare(self, round_id: str, order: Order) -> None:
        try:
            fault = await self._worker.prepare(order)
        except Exception:
            log.exception("an order cannot be prepared")
            fault = "a worker failed: its log says more"
        self._channel.report("prepared", id=round_id, fault=fault)

    def _commit(self, round_id: str, order: Order) -> None:
        try:
            self._worker.commit(order)
        except Exception:  # the others do it, so this one must not go on without it
            log.exception("an order cannot be carried out: this worker is replaced")
            self._stop()
        self._channel.report("done", id=round_id)

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
