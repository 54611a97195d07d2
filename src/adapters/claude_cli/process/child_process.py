"""One child process: its pipes and its termination."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from typing import cast

from modegate.adapters.claude_cli.process.child_output import ChildOutput

STDIN, STDOUT, STDERR = 0, 1, 2
# Seconds to drain standard output after the child's exit; a descendant may hold it open.
OUTPUT_DRAIN_S = 0.5
# Seconds for a killed process to end. It ends at once, unless it is in uninterruptible sleep for
# a disk or a network share.
KILLED_WITHIN_S = 5.0

log = logging.getLogger(__name__)


def noop() -> None:
    """No-op exit handler."""


class ChildProcess(asyncio.SubprocessProtocol):
    """Feeds the child's output to `output`, and detects its exit.

    The event loop's own stream wrappers wait until the pipes close, even after the process exits. A
    descendant that keeps a pipe open would then block the turn indefinitely.
    """

    def __init__(self, *, stderr_limit: int) -> None:
        self.output = ChildOutput(stderr_limit=stderr_limit, resume=self._resume_reading)
        self._input_ended = False
        self._transport: asyncio.SubprocessTransport | None = None
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_words: asyncio.TimerHandle | None = None
        self.exited = asyncio.Event()
        self.on_exit: Callable[[], object] = noop

    @property
    def started(self) -> bool:
        """Whether the process has been spawned."""
        return self._transport is not None

    @property
    def is_here(self) -> bool:
        """Whether it belongs to the running event loop; other loops deliver no more events."""
        return self._loop is asyncio.get_running_loop()

    @property
    def transport(self) -> asyncio.SubprocessTransport:
        """The event loop's transport for the child.

        Raises:
            RuntimeError: the child has not been started.
        """
        if self._transport is None:
            raise RuntimeError("the child has not been started")
        return self._transport

    @property
    def pid(self) -> int:
        """The id of the process and of its process group."""
        return self._pid

    @property
    def exit_status(self) -> int | None:
        """The exit status; None while the child runs."""
        return self.transport.get_returncode()

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Writes `data` to standard input; `last` closes it. A no-op once it is closed."""
        # uvloop's transports are not subclasses of asyncio's.
        pipe = cast("asyncio.WriteTransport", self.transport.get_pipe_transport(STDIN))
        if self._input_ended or pipe.is_closing():
            return
        pipe.write(data)
        if last:
            self._input_ended = True
            pipe.write_eof()

    async def ended(self, patience: float) -> None:
        """Waits for the child to exit, for at most `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.exited.wait()

    def terminate(self) -> None:
        """Sends SIGTERM to the process group."""
        if not self.exited.is_set():
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL to the process group."""
        if not self.exited.is_set():
            self._signal(signal.SIGKILL)

    async def stop(self, grace: float) -> None:
        """Ends the process group: SIGTERM, then SIGKILL after `grace` seconds; waits for the exit.

        The wait is bounded. A process that the kernel cannot end must not hold its slot.
        """
        if not self.is_here:  # its event loop has ended and cannot report the exit
            self.kill()
            return
        if not self.exited.is_set():
            self.terminate()
            await self.ended(grace)
        if not self.exited.is_set():
            log.warning("claude process %d ignored SIGTERM: killing it", self.pid)
            self.kill()
            await self.ended(KILLED_WITHIN_S)
        if not self.exited.is_set():
            log.error("claude process %d did not end after SIGKILL: leaving it", self.pid)
        if self._last_words is not None:
            self._last_words.cancel()
        self.transport.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._pid <= 1:  # to the kernel these mean our own group, and every process
            raise RuntimeError("the child has no group")
        try:
            os.killpg(self._pid, number)
        except (ProcessLookupError, PermissionError):  # the latter from macOS, for zombies
            return

    def _resume_reading(self) -> None:
        self._stdout_pipe().resume_reading()

    def _stdout_pipe(self) -> asyncio.ReadTransport:
        return cast("asyncio.ReadTransport", self.transport.get_pipe_transport(STDOUT))

    # Callbacks of the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Records the transport and the process id after the spawn."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._pid = self._transport.get_pid()
        self._loop = asyncio.get_running_loop()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Buffers output, and pauses standard output above the high-water mark (backpressure)."""
        if fd == STDERR:
            self.output.add_stderr(data)
            return
        self.output.add_stdout(data)
        if self.output.is_full:
            self._stdout_pipe().pause_reading()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Ends the output when standard output closes."""
        if fd == STDOUT:
            self.output.end()

    def process_exited(self) -> None:
        """Handles the child's exit; its last output may still be in the pipe."""
        self._signal(signal.SIGKILL)  # its descendants, before the kernel can reuse the group's id
        self.exited.set()
        self.on_exit()
        loop = asyncio.get_running_loop()
        self._last_words = loop.call_later(OUTPUT_DRAIN_S, self.output.end)
