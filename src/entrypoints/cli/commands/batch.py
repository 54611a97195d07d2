"""`modegate batch run`: answers a file of requests without a server."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import BinaryIO

from modegate.dialects.batch import InvalidLineError, render_result
from modegate.domain.batches.item import BatchItem
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.batches.errors import BatchUsageError, OutputError
from modegate.entrypoints.cli.batches.interrupts import Interrupts, interrupts
from modegate.entrypoints.cli.batches.progress import Figures, progress_of
from modegate.entrypoints.cli.batches.request_file import (
    STDIN,
    LineErrors,
    count_requests,
    items_of,
    opened,
)
from modegate.entrypoints.cli.batches.result_file import ResultFile
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.gateway.batches import Execute, Pace, run_items
from modegate.entrypoints.gateway.gateway import Gateway
from modegate.lazy_dataclass import dataclass

Settle = Callable[[], Awaitable[None]]

SYNC_INTERVAL_S = 1.0
FAILED = 1
USAGE_ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """The options of a run; `ray` is the address of a Ray cluster, None for this process."""

    requests: str
    output: Path
    mode: Mode
    concurrency: int
    retries: int
    retry_failed: bool
    strict: bool
    offline: bool
    ray: str | None


async def run_batch(options: BatchOptions, settings: Settings) -> int:
    """Answers the requests that have no result yet, and returns the exit status."""
    try:
        with opened(options.requests) as lines, ExitStack() as stack:
            _check_files(options, lines)
            is_file = lines.seekable()  # a pipe is read once
            total = count_requests(lines) if is_file else None
            if options.strict and is_file:
                _check_lines(lines)
            results = stack.enter_context(
                closing(ResultFile(options.output, without_failed=options.retry_failed))
            )
            errors = stack.enter_context(closing(LineErrors(options.output)))
            run = _Run(options, settings, results, errors, Figures(total, len(results.done)))
            return await run.execute(lines)
    except (BatchUsageError, InvalidLineError) as error:
        print(f"modegate: {error}", file=sys.stderr)
        return USAGE_ERROR
    except OutputError as error:
        print(f"modegate: {error}", file=sys.stderr)
        return FAILED


class _Run:
    """One run, with its files open."""

    def __init__(
        self,
        options: BatchOptions,
        settings: Settings,
        results: ResultFile,
        errors: LineErrors,
        figures: Figures,
    ) -> None:
        self._options = options
        self._settings = settings
        self._results = results
        self._errors = errors
        self._figures = figures

    async def execute(self, lines: BinaryIO) -> int:
        """Answers the requests and returns the exit status."""
        with interrupts() as interrupted:
            try:
                await self._answer(lines, interrupted)
            except asyncio.CancelledError:
                if not interrupted.stop.is_set():
                    raise
        self._results.sync()
        self._summarise()
        if interrupted.status:
            return interrupted.status
        return FAILED if self._results.failed or self._errors.count else 0

    async def _answer(self, lines: BinaryIO, interrupted: Interrupts) -> None:
        async with AsyncExitStack() as stack:
            execute, settle = await stack.enter_async_context(self._execution())
            await stack.enter_async_context(self._syncing())
            pace = Pace(
                concurrency=self._options.concurrency,
                retries=self._options.retries,
                stop=interrupted.stop,
            )
            answering = run_items(self._items(lines), execute, pace, settle=settle)
            answers = await stack.enter_async_context(aclosing(answering))
            with progress_of(self._figures) as progress:
                async for result in answers:
                    line = render_result(result)
                    self._results.append(line, result.custom_id, succeeded=result.succeeded)
                    self._figures.add(result)
                    progress.show()

    @asynccontextmanager
    async def _execution(self) -> AsyncIterator[tuple[Execute, Settle | None]]:
        """Yields what answers an item, and what has the ledger take the rows of the answers.

        A result is written after its row, so a killed run leaves no result without one.
        """
        options = self._options
        if options.ray is not None:
            from modegate.entrypoints.cli.batches.ray_cluster import ray_execution  # noqa: PLC0415

            async with ray_execution(
                options.ray,
                self._settings,
                options.mode,
                concurrency=options.concurrency,
                is_offline=options.offline,
            ) as execute:
                yield execute, None  # each worker does it before it returns a result
            return
        opening = Gateway.offline if options.offline else Gateway
        async with opening(self._settings) as gateway:
            yield gateway.item_execution(options.mode), gateway.flush_usage

    def _items(self, lines: BinaryIO) -> Iterator[BatchItem]:
        """Yields the requests without a result, and reports the lines that are none."""
        for item in items_of(lines):
            if isinstance(item, InvalidLineError):
                if self._options.strict:
                    raise item
                self._errors.add(item)
            elif item.custom_id not in self._results.done:
                yield item

    @asynccontextmanager
    async def _syncing(self) -> AsyncIterator[None]:
        """Brings the results to the disk now and then; the last ones are when the file is closed."""
        over = asyncio.Event()
        syncing = asyncio.create_task(self._sync(over))
        try:
            yield
        finally:
            over.set()
            await asyncio.wait([syncing])

    async def _sync(self, over: asyncio.Event) -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(SYNC_INTERVAL_S):
                    await over.wait()
            with suppress(OutputError):  # the next result raises it
                await asyncio.to_thread(self._results.sync)

    def _summarise(self) -> None:
        figures, results, errors = self._figures, self._results, self._errors
        before = f", {figures.done_before} of them before" if figures.done_before else ""
        print(
            f"modegate: {results.succeeded} answered and {results.failed} failed{before}; "
            f"{figures.rate:.1f}/s, {figures.spent}: {results.path}",
            file=sys.stderr,
        )
        if errors.count:
            print(f"modegate: {errors.count} lines are no requests: {errors.path}", file=sys.stderr)


def _check_files(options: BatchOptions, lines: BinaryIO) -> None:
    if str(options.output) == STDIN:
        raise BatchUsageError("-o needs a file, because it also records what is done")
    if options.requests == STDIN:
        return
    if options.output.exists() and options.output.samefile(lines.name):
        raise BatchUsageError("the results would go into the file of the requests: change -o")


def _check_lines(lines: BinaryIO) -> None:
    for item in items_of(lines):
        if isinstance(item, InvalidLineError):
            raise item
    lines.seek(0)
