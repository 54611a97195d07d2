"""An event loop in a thread, for callers without one."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

CLOSED = "the gateway was closed"


class LoopThread:
    """An event loop in a thread of its own; usable from all other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="modegate", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns the result of `work`; Ctrl-C cancels it.

        Raises:
            RuntimeError: the loop was closed before the result, or is the caller's own.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("this would wait for itself: use Gateway in asynchronous code")
        with self._lock:  # what is begun after the loop's end would be waited for without end
            if self._is_closing:
                work.close()
                raise RuntimeError(CLOSED)
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise RuntimeError(CLOSED) from None
        except BaseException:
            future.cancel()
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Runs `last` to its end, also after Ctrl-C, which is raised then; a second one is final.

        Idempotent.
        """
        with self._lock:
            if self._is_closing:
                last.close()
                return
            self._is_closing = True
            future = asyncio.run_coroutine_threadsafe(last, self._loop)
        try:
            try:
                future.result()
            except KeyboardInterrupt:
                future.result()
                raise
        finally:
            stopping = asyncio.run_coroutine_threadsafe(self._stop(), self._loop)
            with suppress(asyncio.CancelledError):
                stopping.result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()
