"""Several processes that answer on one address."""

import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

FORWARDED = (signal.SIGTERM, signal.SIGINT)
# A worker that ends sooner, in seconds, will do so again.
SOON = 2.0
MOST_FAILURES = 3

log = logging.getLogger(__name__)

Work = Callable[[int, bool], int]


class Workers:
    """Starts workers, hands signals on to them, replaces those that end, and ends with the last.

    `work` runs in each: it is given a file that ends when this process does, and whether it is the
    first worker; it returns the exit status.
    """

    def __init__(self, number: int, work: Work) -> None:
        self._number = number
        self._work = work
        self._running: dict[int, float] = {}
        self._stopping = False
        self._failures = 0
        self._status = 0
        self._here, self._open_while_we_live = os.pipe()

    def run(self) -> int:
        """The exit status: 0 where all workers ended well after a signal."""
        for number in FORWARDED:
            signal.signal(number, self._forward)
        for i in range(self._number):
            self._start(first=i == 0)
        while self._running:
            pid, status = os.wait()
            self._ended(pid, os.waitstatus_to_exitcode(status))
        return self._status

    def _start(self, *, first: bool = False) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # none may come before it is known
        pid = os.fork()
        if pid == 0:
            self._be_worker(first=first)
        self._running[pid] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)

    def _be_worker(self, *, first: bool) -> None:
        status = 1
        try:
            os.setpgrp()  # a terminal's Ctrl-C is for the parent, which hands it on once
            os.close(self._open_while_we_live)
            for number in FORWARDED:  # until the server takes them, nothing is under way
                signal.signal(number, lambda *_: os._exit(0))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
            status = self._work(self._here, first)
        except Exception:
            log.exception("a worker failed")
        finally:
            logging.shutdown()
            os._exit(status)

    def _ended(self, pid: int, code: int) -> None:
        began = self._running.pop(pid, 0.0)
        if self._stopping:
            self._status = self._status or abs(code)
            return
        log.error("worker %d ended by itself with status %d", pid, code)
        self._failures = self._failures + 1 if time.monotonic() - began < SOON else 0
        if self._failures < MOST_FAILURES:
            self._start()
            return
        self._status = 1
        self._forward(signal.SIGTERM, None)

    def _forward(self, number: int, _: FrameType | None) -> None:
        self._stopping = True
        for pid in self._running:
            os.kill(pid, number)
