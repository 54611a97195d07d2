"""Streams of the Python API; each runs in a task of its own, as a request over HTTP does."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Self

from modegate.entrypoints.gateway.answers import Answer, StreamEvent

# Events that the backend may be ahead of the reader.
MAX_WAITING = 64


class _Mailbox:
    """Hands events from the task to the reader."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[StreamEvent | Answer | BaseException | None] = asyncio.Queue()
        self.room = asyncio.Semaphore(MAX_WAITING)


async def _pump(events: AsyncGenerator[StreamEvent | Answer, None], box: _Mailbox) -> None:
    """Runs the request; must not know the stream, so that an abandoned stream can end it."""
    end: BaseException | None = None
    try:
        try:
            async for event in events:
                await box.room.acquire()
                box.queue.put_nowait(event)
        finally:
            await events.aclose()
    except asyncio.CancelledError:
        end = RuntimeError("the stream was closed")
        raise
    except BaseException as error:  # noqa: BLE001 - raised to the reader
        end = error
    finally:
        box.queue.put_nowait(end)


class AnswerStream:
    """An answer as it arrives: an asynchronous iterator of events, and a context.

    `answer` is the complete answer after the last event, and None before. To leave the loop early
    ends the request once the stream is closed or no longer referenced.
    """

    def __init__(
        self,
        events: Callable[[], AsyncGenerator[StreamEvent | Answer, None]],
        tasks: set[asyncio.Task[None]],
        on_answer: Callable[[Answer], None],
    ) -> None:
        self.answer: Answer | None = None
        self._events = events
        self._tasks = tasks
        self._on_answer = on_answer
        self._box = _Mailbox()
        self._task: asyncio.Task[None] | None = None
        self._has_ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        while not self._has_ended:
            if self._task is None:
                self._start()
            event = await self._box.queue.get()
            self._box.room.release()
            if isinstance(event, StreamEvent):
                return event
            if isinstance(event, Answer):
                self.answer = event
                self._on_answer(event)
                continue
            self._has_ended = True
            if event is not None:
                raise event
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the request, and returns when all its work has stopped. Idempotent."""
        self._has_ended = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def __del__(self) -> None:
        if self._task is not None and not self._task.done():
            loop = self._task.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._task.cancel)

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(_pump(self._events(), self._box))
        self._tasks.add(self._task)
        self._task.add_done_callback(self._tasks.discard)
