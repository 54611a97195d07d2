"""Runs several worker processes on one address."""

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

from modegate.entrypoints.http.server.stop_signals import stop_signals
from modegate.entrypoints.http.server.workers.agreement import Agreement, OwnPart
from modegate.entrypoints.http.server.workers.channel import NEWS, Channel
from modegate.entrypoints.http.server.workers.orders import encode_message
from modegate.entrypoints.http.server.workers.running_worker import NoPart, RunningWorker, pipe

# A worker that exits sooner counts as a failure.
EARLY_EXIT_S = 2.0
MAX_FAILURES = 3
# The pause after a failed fork, for lack of processes or descriptors.
RETRY_DELAY_S = 1.0

log = logging.getLogger(__name__)

Work = Callable[[Channel, bool], int]


class Supervisor:
    """Starts workers, replaces those that exit, stops all on a signal, and returns after the last.

    `work` runs in each worker, with its channel and whether it is the first worker. It returns the
    exit status. The first `STOP` starts draining, and the next one stops the worker immediately. EOF
    means that this process has died. Orders are brought to all workers as `Agreement` describes;
    SIGHUP makes one worker propose a reload.

    Workers ignore stop signals. Otherwise, a signal to the whole process group would reach them
    twice, directly and through the pipe. The second one would stop them immediately.
    """

    def __init__(self, number: int, work: Work, own: OwnPart | None = None) -> None:
        self._number = number
        self._work = work
        self._running: dict[int, RunningWorker] = {}
        self._stopping = False
        self._failures = 0
        self._status = 0
        self._stop_signals = stop_signals()
        self._missing = 0
        self._agreement = Agreement(self._tell, own or NoPart())

    def run(self) -> int:
        """Runs the workers; returns 0 if all of them exited with 0 after a signal.

        Signals stay blocked and are accepted one by one. A handler would miss a signal that arrives
        just before `os.wait` is called, which would then wait for a worker that nothing stops.
        """
        accepted = {*self._stop_signals, signal.SIGCHLD, signal.SIGHUP, NEWS}
        # The default action of SIGCHLD is to be discarded, on some systems also while blocked. The
        # others must not end this process once they are no longer blocked.
        for number in (signal.SIGCHLD, signal.SIGHUP, NEWS):
            signal.signal(number, _ignore)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, accepted)
        try:
            for i in range(self._number):
                self._start(first=i == 0)
            while self._running or self._missing:
                if self._missing:
                    self._start_missing()
                else:
                    self._handle(signal.sigwait(accepted))
                self._reap()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._status

    def _handle(self, number: int) -> None:
        if number == NEWS:
            self._hear()
        elif number == signal.SIGHUP:
            leaders = [it for it in self._running.values() if it.leads]
            for worker in leaders[:1]:
                worker.write(encode_message("reload"))
        elif number != signal.SIGCHLD:
            self._stop()

    def _hear(self) -> None:
        """Handles what the workers have reported."""
        for pid, worker in list(self._running.items()):
            for message in worker.read():
                self._agreement.receive(pid, message)

    def _tell(self, pid: int, kind: str, **fields: object) -> None:
        self._running[pid].write(encode_message(kind, **fields))

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
        leads = not any(it.leads for it in self._running.values())
        supervisor = os.getpid()
        with ExitStack() as opened:
            heard, orders = pipe(opened)
            told, reports = pipe(opened)
            pid = os.fork()
            opened.pop_all()
        if pid == 0:
            os.close(orders)
            os.close(told)
            self._be_worker(Channel(heard, reports, supervisor, leads), first=first)
        os.close(heard)
        os.close(reports)
        self._running[pid] = RunningWorker(orders, told, leads)
        self._agreement.join(pid)

    def _be_worker(self, channel: Channel, *, first: bool) -> None:
        status = 1
        try:
            os.setpgrp()  # Ctrl-C must only reach the parent, which forwards it once
            for other in self._running.values():  # else its pipe has no EOF when the parent dies
                other.close()
            ignored = {*self._stop_signals, signal.SIGHUP, NEWS}
            for number in ignored:  # not SIG_IGN, which the CLI's processes would inherit
                signal.signal(number, _ignore)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {*ignored, signal.SIGCHLD})
            status = self._work(channel, first)
        except Exception:
            log.exception("worker failed")
        finally:
            logging.shutdown()
            os._exit(status)

    def _ended(self, pid: int, code: int) -> None:
        worker = self._running.pop(pid, None)
        if worker is None:  # an orphan, inherited as the first process of a container
            return
        worker.close()
        self._agreement.leave(pid)
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
