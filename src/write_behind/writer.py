"""The queue of rows, and the thread that writes them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from modegate.domain.errors import StorageError
from modegate.domain.health import LedgerState
from modegate.domain.storage import StorageFault, storage_error
from modegate.domain.usage.condition import LedgerCondition
from modegate.domain.usage.row import UsageRow
from modegate.write_behind.row_table import RowTable

T = TypeVar("T")

NAME = "usage-ledger"
# How long rows gather before they are written together: `kill -9` loses no more.
GATHER_S = 0.5
RETRY_S = 1.0
# A closing ledger tries so long to write the last rows, and waits so long for the thread.
LAST_TRIES_S = 3.0
LAST_PAUSE_S = 0.1
CLOSE_S = 10.0
MAX_ROWS_IN_BATCH = 5_000
# About 30 MB of rows: 5 seconds at 10,000 requests/s, more than an hour at 10 requests/s.
MAX_PENDING_ROWS = 50_000

log = logging.getLogger("modegate.ledger")


class WriteBehind:
    """Writes rows in batches, and does other work with the database between them, in one thread.

    The thread starts with the first row or work. It closes the table when it ends.
    """

    def __init__(self, table: RowTable, max_pending: int = MAX_PENDING_ROWS) -> None:
        self._table = table
        self._max_pending = max_pending
        self._rows: deque[UsageRow] = deque()
        self._unwritten: Sequence[UsageRow] = ()  # taken from the queue, and not written yet
        self._jobs: deque[Callable[[], None]] = deque()
        self._lost = self._lost_reported = 0
        self._failing = self._loses = False
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, row: UsageRow) -> None:
        """Accepts a row. Never blocks, never raises; if there is no room, the row is lost."""
        if len(self._rows) >= self._max_pending or self._closed:
            self._lost += 1
            return
        self._rows.append(row)
        if not self._wake.is_set():
            self._signal()

    def connect(self) -> None:
        """Starts the thread, which opens the table, and logs if that fails. Never blocks."""
        self._enqueue(self._check)

    def condition(self) -> LedgerCondition:
        """Returns the present condition."""
        is_full = len(self._rows) >= self._max_pending
        state = LedgerState.WARN if self._failing or is_full else LedgerState.OK
        return LedgerCondition(state, len(self._rows) + len(self._unwritten), self._lost)

    def flushed(self) -> "Future[None]":
        """Returns what is done when there was an attempt to write all rows that are waiting."""
        done: Future[None] = Future()
        if self._closed:
            done.set_result(None)
        else:
            self._enqueue(lambda: done.set_result(None))
        return done

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Does some work with the table soon, after the rows that are waiting."""
        done: Future[T] = Future()

        def job() -> None:
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(work())
                except BaseException as error:  # noqa: BLE001 - for the one who waits
                    done.set_exception(error)

        if self._closed:
            done.set_exception(storage_error(StorageFault.BROKEN))
            return done
        self._enqueue(job)
        return done

    def close(self) -> None:
        """Writes the waiting rows, as far as possible, and ends the thread; blocks. Idempotent."""
        self._closed = True
        if self._thread is None and not self._rows and not self._jobs:
            return
        self._hurry.set()
        self._signal()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            if self._thread.is_alive():
                log.error("usage ledger did not end in %.0f s: rows may be lost", CLOSE_S)

    def _enqueue(self, job: Callable[[], None]) -> None:
        self._jobs.append(job)
        self._hurry.set()
        self._signal()

    def _signal(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
                    self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(RETRY_S if self._failing else None)
            self._hurry.wait(GATHER_S)
            self._hurry.clear()
            self._wake.clear()
            # A job that comes while rows are written may wait for a row that is not among them.
            jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
            self._write_all()
            self._report_loss()
            for job in jobs:
                job()
        deadline = time.monotonic() + LAST_TRIES_S
        while not self._write_all() and time.monotonic() < deadline:
            time.sleep(LAST_PAUSE_S)
        self._do_jobs()
        if left := self.condition().pending:
            self._lost += left
            self._rows.clear()
            self._unwritten = ()
            log.error("usage ledger lost %d rows at the end", left)
        self._table.close()

    def _check(self) -> None:
        try:
            self._table.check()
        except StorageError as error:
            self._report_failure(error)
        else:
            self._report_success()

    def _do_jobs(self) -> None:
        while self._jobs:
            self._jobs.popleft()()

    def _write_all(self) -> bool:
        """Writes all rows that are waiting; returns False if that failed."""
        if self._failing and not self._unwritten and not self._rows:
            self._check()
        while self._unwritten or self._rows:
            if not self._unwritten:
                number = min(len(self._rows), MAX_ROWS_IN_BATCH)
                self._unwritten = [self._rows.popleft() for _ in range(number)]
            try:
                self._table.insert(self._unwritten)
            except StorageError as error:
                self._report_failure(error)
                return False
            except Exception:
                log.exception("usage ledger lost %d rows by a bug", len(self._unwritten))
                self._lost += len(self._unwritten)
            self._unwritten = ()
            self._report_success()
        return True

    def _report_failure(self, error: StorageError) -> None:
        if not self._failing:
            log.error("usage ledger failed, will retry: %s", error.__cause__ or error)
        self._failing = True

    def _report_success(self) -> None:
        if self._failing:
            log.warning("usage ledger recovered")
        self._failing = False

    def _report_loss(self) -> None:
        """Logs lost rows once, until all waiting rows have been written."""
        is_new = self._lost > self._lost_reported
        if is_new and not self._loses:
            log.error("usage ledger loses rows: its queue of %d rows is full", self._max_pending)
        self._loses = is_new or (self._loses and self._failing)
        self._lost_reported = self._lost
