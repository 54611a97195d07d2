"""Runs several worker processes on one address."""

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
# A worker that exits sooner counts as a failure.
EARLY_EXIT_S = 2.0
MAX_FAILURES = 3
# The pause after a failed fork, for lack of processes or descriptors.
RETRY_DELAY_S = 1.0

log = logging.getLogger(__name__)

Work = Callable[[int, bool], int]


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker: the pipe that controls it, and its start time in monotonic seconds."""

    control_pipe: int
    began: float = field(default_factory=time.monotonic)

    def stop(self) -> None:
        """Drains and stops the worker; a second call stops it immediately. A no-op if it exited."""
        with suppress(BrokenPipeError):
            os.write(self.control_pipe, STOP)


class Supervisor:
    """Starts workers, replaces those that exit, stops all on a signal, and returns after the last.

    `work` runs in each worker, with a pipe to read and whether it is the first worker. It returns
    the exit status. The first byte of the pipe starts draining, and the next one stops the worker
    immediately. EOF means that this process has died.

    Workers ignore stop signals. Otherwise, a signal to the whole process group would reach them
    twice, directly and through the pipe. The second one would stop them immediately.
    """

    def __init__(self, number: int, work: Work) -> None:
        self._number = number
        self._work = work
        self._running: dict[int, Worker] = {}
        self._stopping = False
        self._failures = 0
        self._status = 0
        self._stop_signals = stop_signals()
        self._missing = 0

    def run(self) -> int:
        """Runs the workers; returns 0 if all of them exited with 0 after a signal.

        Signals stay blocked and are accepted one by one. A handler would miss a signal that arrives
        just before `os.wait` is called, which would then wait for a worker that nothing stops.
        """
        accepted = {*self._stop_signals, signal.SIGCHLD}
        # The default action of SIGCHLD is to be discarded, on some systems also while blocked.
        signal.signal(signal.SIGCHLD, _ignore)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, accepted)
        try:
            for i in range(self._number):
                self._start(first=i == 0)
            while self._running or self._missing:
                if self._missing:
                    self._start_missing()
                elif signal.sigwait(accepted) != signal.SIGCHLD:
                    self._stop()
                self._reap()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._status

    def _accept_stops(self) -> None:
        """Handles stop signals that have arrived."""
        while pending := signal.sigpending() & {*self._stop_signals}:
            signal.sigwait(pending)
            self._stop()

    def _reap(self) -> None:
        while self._running and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            self._ended(ended[0], os.waitstatus_to_exitcode(ended[1]))

    def _start_missing(self) -> None:
        """Retries failed starts after a pause; handles signals and exited workers first."""
        time.sleep(RETRY_DELAY_S)
        self._accept_stops()
        self._reap()
        missing, self._missing = self._missing, 0
        for _ in range(missing):
            self._start(first=not self._running)

    def _start(self, *, first: bool = False) -> None:
        try:
            if not self._stopping:
                self._fork(first=first)
        except OSError as error:
            log.error("a worker cannot be started (%s): trying again", error.strerror)  # noqa: TRY400
            self._missing += 1

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
            os.setpgrp()  # Ctrl-C must only reach the parent, which forwards it once
            for other in self._running.values():  # else its pipe has no EOF when the parent dies
                os.close(other.control_pipe)
            for (
                number
            ) in self._stop_signals:  # not SIG_IGN, which the CLI's processes would inherit
                signal.signal(number, _ignore)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {*self._stop_signals, signal.SIGCHLD})
            status = self._work(orders, first)
        except Exception:
            log.exception("worker failed")
        finally:
            logging.shutdown()
            os._exit(status)

    def _ended(self, pid: int, code: int) -> None:
        worker = self._running.pop(pid, None)
        if worker is None:  # an orphan, inherited as the first process of a container
            return
        os.close(worker.control_pipe)
        self._accept_stops()  # a signal to the whole group may have ended the worker
        if self._stopping:
            self._status = self._status or abs(code)
            return
        log.error("worker %d exited unexpectedly with status %d", pid, code)
        self._failures = self._failures + 1 if time.monotonic() - worker.began < EARLY_EXIT_S else 0
        if self._failures < MAX_FAILURES:
            self._start()
            return
        self._status = 1
        self._stop()

    def _stop(self) -> None:
        self._stopping = True
        for worker in self._running.values():
            worker.stop()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass
