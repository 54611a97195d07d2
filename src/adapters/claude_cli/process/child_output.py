"""The output of a child process: buffered, and limited in size."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from modegate.adapters.claude_cli import errors
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code

HIGH_WATER_BYTES = 1024 * 1024
STDERR_KEPT_BYTES = 16 * 1024


class ChildOutput:
    """Buffers standard output until it is read, and the end of standard error.

    Above the high-water mark `is_full` is true until the next read, which calls `resume`.
    """

    def __init__(self, *, stderr_limit: int, resume: Callable[[], None]) -> None:
        self._stderr_limit = stderr_limit
        self._resume = resume
        self._stderr_size = 0
        self._stderr = bytearray()
        self._stderr_news = False
        self._stdout: deque[bytes] = deque()
        self._buffered = 0
        self._readable = asyncio.Event()
        self._at_end = False
        self._error: GatewayError | None = None
        self.on_stdout: Callable[[], object] | None = None  # called while no turn reads

    @property
    def stderr(self) -> str:
        """The end of the child's standard error; must be redacted before it is logged."""
        return self._stderr.decode("utf-8", "replace")

    @property
    def is_full(self) -> bool:
        """Whether more output is buffered than a reader should leave (backpressure)."""
        return self._buffered > HIGH_WATER_BYTES

    def begin_answer(self) -> bytes:
        """Resets the limits, and returns the output since the last answer."""
        self._stderr_size = 0
        self._stderr.clear()
        self._stderr_news = False
        return self.take()

    async def read(self) -> bytes:
        """Waits for standard output and returns what is new; empty at its end.

        Raises:
            OutputLimitError: standard error exceeds its limit.
            BackendAuthError: standard error says that the CLI has no valid credentials.
            GatewayError: the error that was passed to `fail`.
        """
        while not self._stdout:
            if self._error is not None:
                raise self._error
            if self._at_end:
                return b""
            self._check_stderr()
            self._readable.clear()
            await self._readable.wait()
        self._check_stderr()
        return self.take()

    async def speaks(self, patience: float) -> bool:
        """Returns whether standard output has data, or ends, within `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not (self._stdout or self._at_end):
                    self._readable.clear()
                    await self._readable.wait()
        return bool(self._stdout) or self._at_end

    def fail(self, error: GatewayError) -> None:
        """Ends the output: pending and later reads raise `error`."""
        self._error = error
        self._stdout.clear()
        self.end()

    def end(self) -> None:
        """Ends the output; what is buffered can still be read."""
        self._at_end = True
        self._readable.set()

    def add_stdout(self, data: bytes) -> None:
        """Buffers standard output."""
        self._stdout.append(data)
        self._buffered += len(data)
        self._readable.set()
        if self.on_stdout is not None:
            self.on_stdout()

    def add_stderr(self, data: bytes) -> None:
        """Counts standard error, and keeps its end."""
        self._stderr_size += len(data)
        self._stderr += data
        self._stderr_news = True
        # Keep complete lines: redaction would not recognise half a key.
        if len(self._stderr) > STDERR_KEPT_BYTES:
            begin = self._stderr.find(b"\n", -STDERR_KEPT_BYTES // 2) + 1
            del self._stderr[: begin or len(self._stderr)]
        self._readable.set()

    def take(self) -> bytes:
        """Returns the buffered standard output without waiting."""
        data = b"".join(self._stdout)
        self._stdout.clear()
        if self.is_full and not self._at_end:
            self._resume()
        self._buffered = 0
        return data

    def _check_stderr(self) -> None:
        if self._stderr_size > self._stderr_limit:
            raise claude_code.stderr_too_long(self._stderr_limit)
        if self._stderr_news:
            self._stderr_news = False
            if error := errors.from_words(self.stderr):
                raise error
