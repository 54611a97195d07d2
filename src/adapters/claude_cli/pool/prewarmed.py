"""Prewarmed processes, started before a request needs them."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from modegate.adapters.claude_cli.command.command_line import Launch
from modegate.adapters.claude_cli.pool.memory_pressure import has_headroom
from modegate.adapters.claude_cli.pool.prewarmed_stock import Prewarmed, PrewarmedStock
from modegate.adapters.claude_cli.pool.recent_models import RecentModels
from modegate.adapters.claude_cli.process.backoff import backoff
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.launcher import Launcher
from modegate.adapters.claude_cli.process.shielded import cancelled, run_shielded
from modegate.domain.errors import GatewayError
from modegate.domain.session import SessionId

# A process takes half a second of a core to load, so the next start waits that long.
START_INTERVAL_S = 0.5
MAX_START_INTERVAL_S = 60.0
CHECK_INTERVAL_S = 30.0

log = logging.getLogger(__name__)


class PrewarmedPool:
    """Keeps `number` processes per recently used model.

    It starts them while no request waits for its first event.
    """

    def __init__(
        self, number: int, launcher: Launcher, drop: Callable[[CliProcess], object]
    ) -> None:
        self._number = number
        self._launcher = launcher
        self._stock = PrewarmedStock(drop)
        self._models = RecentModels()
        self._hurried = 0
        self._is_draining = False
        self._changed = asyncio.Event()
        self._refilling: asyncio.Task[None] | None = None
        self._deaths = 0

    def __len__(self) -> int:
        """The number of prewarmed processes, reserved ones included."""
        return len(self._stock)

    @property
    def session_ids(self) -> set[SessionId]:
        """The ids of the prewarmed processes' sessions."""
        return self._stock.session_ids

    @contextmanager
    def reserve(self, cli_model: str) -> Iterator[SessionId | None]:
        """Reserves a process while the context is open, and yields its session's id.

        Yields None if there is none. A process that was not taken returns to the pool.
        """
        ready = self._stock.reserve(cli_model, self._launcher.version)
        if ready is None:
            yield None
            return
        try:
            yield ready.session_id
        finally:  # a pool that prewarms no more keeps none
            self._stock.end_reservation(ready, keep=bool(self._number))

    def take(self, session_id: SessionId) -> CliProcess | None:
        """Removes and returns the process reserved under this id; None if there is none."""
        process = self._stock.take(session_id)
        if process is not None:
            self._deaths = 0
        return process

    def note_use(self, cli_model: str) -> None:
        """Records that the model was used, and starts to prewarm for it in the background."""
        if not self._number:
            return
        self._models.note_use(cli_model)
        # The task also ends when its event loop does.
        if self._refilling is None or self._refilling.done():
            self._changed = asyncio.Event()
            self._refilling = asyncio.create_task(self._refill())
        self._changed.set()

    def reconfigure(self, number: int) -> None:
        """Keeps `number` processes per model from now on; a no-op after `drain`."""
        if not self._is_draining:
            self._number = number
            self._changed.set()

    def retire(self) -> None:
        """Discards ready processes of another executable, login or configuration."""
        self._stock.retire(self._models, self._launcher.version(), self._number)
        self._changed.set()

    @contextmanager
    def prioritise(self) -> Iterator[None]:
        """Pauses prewarming while a request waits for its first event."""
        self._hurried += 1
        try:
            yield
        finally:
            self._hurried -= 1
            self._changed.set()

    def drain(self) -> None:
        """Stops prewarming. Idempotent."""
        self._number = 0
        self._is_draining = True

    async def aclose(self) -> None:
        """Stops prewarming and discards all processes."""
        self.drain()
        if self._refilling is not None:
            await cancelled(self._refilling)
        self._stock.clear()

    async def _refill(self) -> None:
        """Prewarms until cancelled; retries with backoff after failures, even unexpected ones."""
        while True:
            try:
                waits = not await self._start_next()
            except Exception:
                log.exception("prewarming failed: retrying with backoff")
                self._deaths += 1
                waits = False
            if waits:
                await self._wait_for_change()
            else:
                await asyncio.sleep(backoff(START_INTERVAL_S, MAX_START_INTERVAL_S, self._deaths))

    async def _start_next(self) -> bool:
        """Starts one process if one is missing; returns whether a start was attempted."""
        self._changed.clear()
        self._models.forget_old()
        self._stock.retire(self._models, self._launcher.version(), self._number)
        cli_model = self._next_model()
        if cli_model is None or self._hurried or not has_headroom():
            return False
        try:
            if not (await self._launcher.features()).supports_multiple_turns:
                return False
        except GatewayError:
            self._deaths += 1
            return True
        await run_shielded(self._start(cli_model))
        return True

    async def _wait_for_change(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECK_INTERVAL_S):
                await self._changed.wait()

    async def _start(self, cli_model: str) -> None:
        session_id = SessionId(str(uuid.uuid4()))
        try:
            process = await self._launcher.start(Launch(session_id, session_id, cli_model))
        except GatewayError:
            self._deaths += 1
            return
        process.serve_tools()
        ready = Prewarmed(process)
        process.child.on_exit = lambda: self._on_exit(ready)
        self._stock.add(ready)

    def _next_model(self) -> str | None:
        """Returns the most recently used model with fewer than `number` processes."""
        return next((it for it in self._models if self._stock.count(it) < self._number), None)

    def _on_exit(self, ready: Prewarmed) -> None:
        log.warning("prewarmed claude process exited")
        self._deaths += 1
        self._stock.remove(ready)
        self._changed.set()
