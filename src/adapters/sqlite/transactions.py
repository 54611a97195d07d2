"""A thread in which the steps that wait for it are one transaction."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from modegate.adapters.sqlite.condition import fault_in
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.domain.errors import StorageError
from modegate.domain.storage import StorageFault, storage_error

Work = Callable[[sqlite3.Connection], Any]


class Step:
    """One step of a transaction, and the future of its outcome, if a caller waits."""

    __slots__ = ("future", "outcome", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any] | None = None) -> None:
        self.work = work
        self.future = future
        self.outcome: Any = None


class Transactions:
    """Runs steps in their order; many at once cost little more than one.

    In the thread, `on_begin` is called before each transaction, and `on_failure` with the steps of
    one that failed, of which nothing is stored. A crash of the machine may lose what was committed.
    """

    def __init__(
        self,
        file: DatabaseFile,
        name: str,
        on_begin: Callable[[], None],
        on_failure: Callable[[Sequence[Step]], None],
    ) -> None:
        self._file = file
        self._on_begin = on_begin
        self._on_failure = on_failure
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: list[Step] = []
        self._tuned: sqlite3.Connection | None = None
        self._closed = False

    def add(self, step: Step) -> None:
        """Adds a step to the next transaction."""
        if self._closed:
            if step.future is not None:
                step.future.set_result(storage_error(StorageFault.BROKEN))
            return
        with self._lock:
            self._waiting.append(step)
            if len(self._waiting) > 1:
                return  # the thread takes it, too
        self._thread.submit(self._run_waiting, asyncio.get_running_loop())

    def ask(self, work: Work) -> Step:
        """Adds a step whose outcome a caller waits for."""
        step = Step(work, asyncio.get_running_loop().create_future())
        self.add(step)
        return step

    async def aclose(self) -> None:
        """Closes the file. Idempotent."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
            self._thread.shutdown()

    def _run_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            steps, self._waiting = self._waiting, []
        self._on_begin()
        try:
            self._run(steps)
        except (sqlite3.Error, OSError, StorageError) as error:
            fault = None if isinstance(error, StorageError) else fault_in(error)
            if fault is StorageFault.BROKEN:  # a new file may work
                self._file.close()
            for step in steps:
                step.outcome = error if fault is None else storage_error(fault)
            self._on_failure(steps)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_deliver, steps)

    def _run(self, steps: Sequence[Step]) -> None:
        database = self._file.open()
        if database is not self._tuned:
            database.execute("PRAGMA synchronous = OFF")
            self._tuned = database
        with database:
            database.execute("BEGIN IMMEDIATE")
            for step in steps:
                step.outcome = step.work(database)


def _deliver(steps: Sequence[Step]) -> None:
    for step in steps:
        if step.future is not None and not step.future.done():
            step.future.set_result(step.outcome)
