"""Runs the items of a batch, some at a time."""

import asyncio
import random
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import suppress
from dataclasses import field
from typing import TypeAlias

from modegate.dialects.batch import item_of
from modegate.domain.batches.item import BatchItem, ItemResult, Retry
from modegate.lazy_dataclass import dataclass

Given: TypeAlias = Mapping[str, object] | BatchItem
Items: TypeAlias = Iterable[Given] | AsyncIterable[Given]

FIRST_DELAY_S = 0.5
MAX_DELAY_S = 30.0
# An item whose backend asks for a longer pause fails; it may be retried in a later run.
MAX_PAUSE_S = 300.0

Execute = Callable[[BatchItem], Awaitable[ItemResult]]


class _Source:
    """Gives each worker the next item, of an iterable of either kind."""

    def __init__(self, items: Iterable[BatchItem] | AsyncIterable[BatchItem]) -> None:
        self._plain: Iterator[BatchItem] | None = None
        self._asynchronous: AsyncIterator[BatchItem] | None = None
        self._turn = asyncio.Lock()
        if isinstance(items, AsyncIterable):
            self._asynchronous = aiter(items)
        else:
            self._plain = iter(items)

    async def next(self) -> BatchItem | None:
        if self._plain is not None:
            return next(self._plain, None)
        assert self._asynchronous is not None  # noqa: S101 - the other kind
        async with self._turn:
            return await anext(self._asynchronous, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many items run at once, and how often each is sent again.

    Once `stop` is set, no further item is begun. Pauses double from `first_delay_s`, in seconds.

    Raises:
        ValueError: `concurrency` is below 1, or `retries` below 0.
    """

    concurrency: int
    retries: int = 2
    first_delay_s: float = FIRST_DELAY_S
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        for name, least in (("concurrency", 1), ("retries", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")

    def pause_s(self, attempt: int, retry: Retry | None) -> float | None:
        """Returns the pause after a failed attempt, from 0; None for no further attempt."""
        if retry is None or attempt >= self.retries:
            return None
        own: float = min(self.first_delay_s * 2.0**attempt, MAX_DELAY_S) * random.uniform(0.5, 1.0)  # noqa: S311
        if retry.after_s is None:
            return own
        return None if retry.after_s > MAX_PAUSE_S else max(own, retry.after_s)


async def execute_with_retries(execute: Execute, item: BatchItem, pace: Pace) -> ItemResult | None:
    """Returns the result of the last attempt; None if a further one was stopped."""
    attempt = 0
    while True:
        result = await execute(item)
        pause_s = pace.pause_s(attempt, result.retry)
        if pause_s is None:
            return result
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await pace.stop.wait()
            return None
        attempt += 1


class _Workers:
    """Tasks that answer items, and the queue of their results; each puts None at its end."""

    def __init__(
        self, source: _Source, execute: Execute, pace: Pace, tasks: set[asyncio.Task[None]]
    ) -> None:
        self.results: asyncio.Queue[ItemResult | BaseException | None] = asyncio.Queue()
        self.room = asyncio.Semaphore(2 * pace.concurrency)
        self._source = source
        self._execute = execute
        self._pace = pace
        self._tasks = [asyncio.create_task(self._work()) for _ in range(pace.concurrency)]
        for task in self._tasks:
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def aclose(self) -> None:
        """Cancels the items that are running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _work(self) -> None:
        end: BaseException | None = None
        try:
            await self._answer_items()
        except asyncio.CancelledError:
            end = RuntimeError("the batch was closed")
            raise
        except Exception as error:  # noqa: BLE001 - raised to the reader
            end = error
        finally:
            self.results.put_nowait(end)

    async def _answer_items(self) -> None:
        pace = self._pace
        while not pace.stop.is_set() and (item := await self._source.next()) is not None:
            result = await execute_with_retries(self._execute, item, pace)
            if result is not None:
                await self.room.acquire()
                self.results.put_nowait(result)


async def run_items(
    items: Iterable[BatchItem] | AsyncIterable[BatchItem],
    execute: Execute,
    pace: Pace,
    tasks: set[asyncio.Task[None]] | None = None,
    settle: Callable[[], Awaitable[None]] | None = None,
) -> AsyncGenerator[ItemResult, None]:
    """Yields the results as they come; items are taken when there is room for them.

    `settle` is awaited before results are yielded: once for all that have come by then.

    Closing it cancels the items that are running, and to cancel its `tasks` ends it. An exception
    of `items` or `execute` is raised.
    """
    workers = _Workers(_Source(items), execute, pace, set() if tasks is None else tasks)
    running = pace.concurrency
    try:
        while running:
            come = [await workers.results.get()]
            while not workers.results.empty():
                come.append(workers.results.get_nowait())
            if settle is not None:
                await settle()
            for result in come:
                if result is None:
                    running -= 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    workers.room.release()
                    yield result
    finally:
        await workers.aclose()


async def parsed(items: Items) -> AsyncIterator[BatchItem]:
    """Yields the items of a batch.

    Raises:
        ValueError: an item is no request.
    """
    if isinstance(items, AsyncIterable):
        async for given in items:
            yield given if isinstance(given, BatchItem) else item_of(given)
        return
    for given in items:
        yield given if isinstance(given, BatchItem) else item_of(given)
