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
from dataclasses import dataclass
from typing import TypeAlias

from modegate.dialects.batch import item_of
from modegate.domain.batches.item import BatchItem, ItemResult, Retry

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


@dataclass(frozen=True, slots=True)
class Retries:
    """How often an item is sent again; pauses double from `FIRST_DELAY_S`, in seconds."""

    most: int = 2
    first_delay_s: float = FIRST_DELAY_S

    def pause_s(self, attempt: int, retry: Retry | None) -> float | None:
        """Returns the pause after a failed attempt, from 0; None for no further attempt."""
        if retry is None or attempt >= self.most:
            return None
        own: float = min(self.first_delay_s * 2.0**attempt, MAX_DELAY_S) * random.uniform(0.5, 1.0)  # noqa: S311
        if retry.after_s is None:
            return own
        return None if retry.after_s > MAX_PAUSE_S else max(own, retry.after_s)


async def execute_with_retries(execute: Execute, item: BatchItem, retries: Retries) -> ItemResult:
    """Returns the result of the last attempt."""
    attempt = 0
    while True:
        result = await execute(item)
        pause_s = retries.pause_s(attempt, result.retry)
        if pause_s is None:
            return result
        await asyncio.sleep(pause_s)
        attempt += 1


async def run_items(
    items: Iterable[BatchItem] | AsyncIterable[BatchItem],
    execute: Execute,
    *,
    concurrency: int,
    retries: Retries,
    tasks: set[asyncio.Task[None]],
) -> AsyncGenerator[ItemResult, None]:
    """Yields the results as they come; items are taken when there is room for them.

    Closing it cancels the items that are running, and to cancel their `tasks` ends it. An exception
    of `items` or `execute` is raised.
    """
    source = _Source(items)
    results: asyncio.Queue[ItemResult | BaseException | None] = asyncio.Queue()
    room = asyncio.Semaphore(2 * concurrency)

    async def work() -> None:
        end: BaseException | None = None
        try:
            while (item := await source.next()) is not None:
                result = await execute_with_retries(execute, item, retries)
                await room.acquire()
                results.put_nowait(result)
        except asyncio.CancelledError:
            end = RuntimeError("the batch was closed")
            raise
        except Exception as error:  # noqa: BLE001 - raised to the reader
            end = error
        finally:
            results.put_nowait(end)

    workers = [asyncio.create_task(work()) for _ in range(concurrency)]
    for worker in workers:
        tasks.add(worker)
        worker.add_done_callback(tasks.discard)
    running = concurrency
    try:
        while running:
            result = await results.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                room.release()
                yield result
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)


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
