"""Prewarmed processes, started before a request needs them."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from modegate.adapters.claude_cli.pool.memory_pressure import has_headroom
from modegate.adapters.claude_cli.process.backoff import backoff
from modegate.adapters.claude_cli.process.child_process import noop
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.command_line import Launch
from modegate.adapters.claude_cli.process.launcher import Launcher
from modegate.adapters.claude_cli.process.shielded import cancelled, run_shielded
from modegate.domain.errors import GatewayError
from modegate.domain.session import SessionId

# Prewarm only for the `MAX_MODELS` most recently used models, and only within `RECENT_USE_S`
# seconds of their use.
RECENT_USE_S = 3600.0
MAX_MODELS = 3
# Replace older processes, because what they read at their start may have changed.
MAX_AGE_S = 1800.0
# A process takes half a second of a core to load, so the next start waits that long.
START_INTERVAL_S = 0.5
MAX_START_INTERVAL_S = 60.0
CHECK_INTERVAL_S = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prewarmed:
    """A prewarmed process, loaded or still loading, and its start time."""

    process: CliProcess
    began: float = field(default_factory=time.monotonic)

    def fresh(self, version: object) -> bool:
        """Returns whether the process is young, alive, and of the current `version`."""
        young = time.monotonic() - self.began < MAX_AGE_S
        return young and self.process.alive and self.process.place.version == version


class PrewarmedPool:
    """Keeps `number` processes per recently used model.

    It starts them while no request waits for its first event.
    """

    def __init__(
        self, number: int, launcher: Launcher, drop: Callable[[CliProcess], object]
    ) -> None:
        self._number = number
        self._launcher = launcher
        self._drop = drop
        self._ready: dict[str, deque[Prewarmed]] = {}
        self._offered: dict[SessionId, Prewarmed] = {}
        self._used: OrderedDict[str, float] = OrderedDict()
        self._hurried = 0
        self._changed = asyncio.Event()
        self._refilling: asyncio.Task[None] | None = None
        self._deaths = 0

    def __len__(self) -> int:
        """The number of prewarmed processes, reserved ones included."""
        return sum(map(len, self._ready.values())) + len(self._offered)

    @property
    def session_ids(self) -> set[SessionId]:
        """The ids of the prewarmed processes' sessions."""
        ready = [it.process.launch.session_id for queue in self._ready.values() for it in queue]
        return {*ready, *self._offered}

    @contextmanager
    def reserve(self, cli_model: str) -> Iterator[SessionId | None]:
        """Reserves a process while the context is open, and yields its session's id.

        Yields None if there is none. A process that was not taken returns to the pool.
        """
        ready = self._pop(cli_model)
        if ready is None:
            yield None
            return
        session_id = ready.process.launch.session_id
        self._offered[session_id] = ready
        try:
            yield session_id
        finally:
            if self._offered.pop(session_id, None):  # not taken
                self._take_back(ready)

    def take(self, session_id: SessionId) -> CliProcess | None:
        """Removes and returns the process reserved under this id; None if there is none."""
        ready = self._offered.pop(session_id, None)
        if ready is None:
            return None
        ready.process.child.on_exit = noop
        self._deaths = 0
        return ready.process

    def note_use(self, cli_model: str) -> None:
        """Records that the model was used, and starts to prewarm for it in the background."""
        if not self._number:
            return
        self._used[cli_model] = time.monotonic()
        self._used.move_to_end(cli_model)
        # The task also ends when its event loop does.
        if self._refilling is None or self._refilling.done():
            self._changed = asyncio.Event()
            self._refilling = asyncio.create_task(self._refill())
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

    async def aclose(self) -> None:
        """Stops prewarming and discards all processes."""
        self.drain()
        if self._refilling is not None:
            await cancelled(self._refilling)
        for queue in self._ready.values():
            while queue:
                self._discard(queue.popleft())

    def _pop(self, cli_model: str) -> Prewarmed | None:
        queue = self._ready.get(cli_model, deque())
        version = self._launcher.version() if queue else None
        while queue:
            if (ready := queue.popleft()).fresh(version):
                return ready
            self._discard(ready)
        return None

    def _take_back(self, ready: Prewarmed) -> None:
        if self._number:
            self._ready[ready.process.launch.cli_model].appendleft(ready)
        else:  # the gateway is draining
            self._discard(ready)

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
        self._retire()
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
        ready = Prewarmed(process)
        process.child.on_exit = lambda: self._on_exit(cli_model, ready)
        self._ready.setdefault(cli_model, deque()).append(ready)

    def _next_model(self) -> str | None:
        """Returns the most recently used model with fewer than `number` processes."""
        for cli_model in reversed(self._used):
            offered = sum(it.process.launch.cli_model == cli_model for it in self._offered.values())
            if len(self._ready.get(cli_model, ())) + offered < self._number:
                return cli_model
        return None

    def _retire(self) -> None:
        """Discards processes that are too old, outdated, or for a model no longer in use."""
        now = time.monotonic()
        while self._used and (
            len(self._used) > MAX_MODELS or now - next(iter(self._used.values())) > RECENT_USE_S
        ):
            self._used.popitem(last=False)
        version = self._launcher.version()
        for cli_model, queue in self._ready.items():
            for ready in [
                it for it in queue if cli_model not in self._used or not it.fresh(version)
            ]:
                queue.remove(ready)
                self._discard(ready)

    def _on_exit(self, cli_model: str, ready: Prewarmed) -> None:
        log.warning("prewarmed claude process exited")
        self._deaths += 1
        if ready in self._ready[cli_model]:
            self._ready[cli_model].remove(ready)
            self._discard(ready)
        self._changed.set()

    def _discard(self, ready: Prewarmed) -> None:
        ready.process.child.on_exit = noop
        self._drop(ready.process)
