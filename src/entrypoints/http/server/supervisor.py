"""Several processes that answer on one address."""

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from modegate.entrypoints.http.server.stop_signals import stop_signals

STOP = b"s"
# A worker that ends sooner, in seconds, will do so again.
EARLY_EXIT_S = 2.0
MAX_FAILURES = 3
# Before the next try where the system has no process, or no descriptor, for another worker.
RETRY_DELAY_S = 1.0

log = logging.getLogger(__name__)

Work = Callable[[int, bool], int]


@dataclass(frozen=True, slots=True)
class Worker:
    """One that runs: what it hears us on, and when it began, in seconds."""

    control_pipe: int
    began: float = field(default_factory=time.monotonic)

    def stop(self) -> None:
        """Have it drain and end; when called again, at once. It may have ended by itself."""
        with suppress(BrokenPipeError):
            os.write(self.control_pipe, STOP)


class Supervisor:
    """Starts workers, has them stop on a signal, replaces those that end, and ends with the last.

    `work` runs in each: it is given a file to read orders from, and whether it is the first worker;
    it returns the exit status. Each byte of the file is an order to stop, the first one to drain,
    the next to stop at once; the file's end means that this process has ended.

    Workers heed no signal: who signals the whole group or service would reach them twice, at first
    hand and through here, and the second time means at once.
    """

    def __init__(self, number: int, work: Work) -> None:
        self._number = number
        self._work = work
        self._running: dict[int, Worker] = {}
        self._stopping = False
        self._failures = 0
        self._status = 0
        self._heeded = stop_signals()
        self._missing = 0

    def run(self) -> int:
        """The exit status: 0 where all workers ended well after a signal."""
        for number in self._heeded:
            signal.signal(number, self._stop)
        for i in range(self._number):
            self._start(first=i == 0)
        while self._running or self._missing:
            if self._missing:
                self._start_missing()
            else:
                pid, status = os.wait()
                self._ended(pid, os.waitstatus_to_exitcode(status))
        return self._status

    def _start_missing(self) -> None:
        """Try again after a pause; what has ended meanwhile is looked after first."""
        time.sleep(RETRY_DELAY_S)
        while self._running and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            self._ended(ended[0], os.waitstatus_to_exitcode(ended[1]))
        missing, self._missing = self._missing, 0
        for _ in range(missing):
            self._start(first=not self._running)

    def _start(self, *, first: bool = False) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, self._heeded)  # none may come before it is known
        try:
            if not self._stopping:
                self._fork(first=first)
        except OSError as error:
            log.error("a worker cannot be started (%s): trying again", error.strerror)  # noqa: TRY400
            self._missing += 1
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._heeded)

    def _fork(self, *, first: bool) -> None:
        heard, orders = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(heard)
            os.close(orders)
            raise
        if pid == 0:
            os.close(orders)
            self._be_worker(heard, first=first)
        os.close(heard)
        self._running[pid] = Worker(orders)

    def _be_worker(self, orders: int, *, first: bool) -> None:
        status = 1
        try:
            os.setpgrp()  # a terminal's Ctrl-C is for the parent, which hands it on once
            for other in self._running.values():  # else its file would not end with our parent
                os.close(other.control_pipe)
            for number in self._heeded:  # not SIG_IGN, which the CLI's processes would inherit
                signal.signal(number, lambda *_: None)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._heeded)
            status = self._work(orders, first)
        except Exception:
            log.exception("a worker failed")
        finally:
            logging.shutdown()
            os._exit(status)

    def _ended(self, pid: int, code: int) -> None:
        worker = self._running.pop(pid, None)
        if worker is None:  # the first process of a container inherits those of others
            return
        os.close(worker.control_pipe)
        if self._stopping:
            self._status = self._status or abs(code)
            return
        log.error("worker %d ended by itself with status %d", pid, code)
        self._failures = self._failures + 1 if time.monotonic() - worker.began < EARLY_EXIT_S else 0
        if self._failures < MAX_FAILURES:
            self._start()
            return
        self._status = 1
        self._stop()

    def _stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        self._stopping = True
        for worker in self._running.values():
            worker.stop()
