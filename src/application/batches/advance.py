"""The use case that brings a batch to its next state: it reads its file, or writes its results."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from modegate.application.batches.input_file import InputFaults, ItemReader, lines_of
from modegate.application.ports.batch_queue import BatchQueue
from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.file_store import FileStore
from modegate.dialects.batch import render_failure
from modegate.domain.batches.batch import ID_PREFIX as BATCH_PREFIX
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.file import ID_PREFIX, FileObject, Purpose
from modegate.domain.batches.queued_item import ListedItem, QueuedItem
from modegate.domain.batches.state import BatchState
from modegate.lazy_dataclass import dataclass

# As many items as are parsed and stored without a break for other requests.
CHUNK = 200
EXPIRED = ("batch_expired", "The request was not run before the end of the batch's window.")
CANCELLED = ("batch_cancelled", "The request was not run, because the batch was cancelled.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceBatch:
    """Does what is due for a batch. Each step may be repeated after a process was killed."""

    queue: BatchQueue
    files: FileStore
    configuration: ConfigurationSource
    clock: Clock

    async def execute(self, batch: Batch) -> None:
        """Brings the batch to its next state.

        Raises:
            StorageError: the queue or the files cannot be used; the step is due again.
        """
        match batch.state:
            case BatchState.VALIDATING:
                await self._validate(batch)
            case BatchState.IN_PROGRESS:
                await self._enter(batch, BatchState.FINALIZING)
            case BatchState.FINALIZING:
                is_done = batch.counts.finished >= batch.counts.total
                final = BatchState.COMPLETED if is_done else BatchState.EXPIRED
                await self._write_results(batch, final, EXPIRED)
            case BatchState.CANCELLING:
                await self._write_results(batch, BatchState.CANCELLED, CANCELLED)
            case _:  # it has ended in the meantime
                return

    async def _validate(self, batch: Batch) -> None:
        faults = InputFaults()
        async with self.files.read(batch.input_file_id) as pieces:
            if pieces is None:
                faults.add("file_not_found", "The input file is gone: upload it again.")
            else:
                await self._read_items(batch, pieces, faults)
        if not faults.found:
            await self._enter(batch, BatchState.IN_PROGRESS)
            return
        await self._enter(
            batch, BatchState.FAILED, lambda it: replace(it, faults=tuple(faults.found))
        )

    async def _read_items(
        self, batch: Batch, pieces: AsyncIterator[bytes], faults: InputFaults
    ) -> None:
        reader, chunk, number = ItemReader(batch, faults), list[QueuedItem](), 0
        async for line in lines_of(pieces, faults):
            item = reader.read(line)
            if item is not None and not faults.found:
                chunk.append(item)
                number += 1
            if len(chunk) >= CHUNK:
                await self.queue.put_items(batch.id, chunk)
                chunk = []
            if faults.are_enough:
                return
        if chunk and not faults.found:
            await self.queue.put_items(batch.id, chunk)
        if not number and not faults.found:
            faults.add("empty_file", "The input file has no requests.")

    async def _write_results(
        self, batch: Batch, final: BatchState, unfinished: tuple[str, str]
    ) -> None:
        output = await self._write(batch, "output", _answered)
        errors = await self._write(batch, "error", lambda it: _failed(it, unfinished))
        await self._enter(
            batch,
            final,
            lambda it: replace(it, output_file_id=output, error_file_id=errors),
        )

    async def _write(
        self, batch: Batch, kind: str, line_of: Callable[[ListedItem], bytes | None]
    ) -> str | None:
        """Writes the lines of a kind to a file, and returns its id; None if there are none.

        The id follows from that of the batch, so that a repetition replaces the file.
        """
        lines = self._lines(batch, line_of)
        first = await anext(lines, None)
        if first is None:
            return None
        now = self.clock.time_of_day()
        retention_s = self.configuration.current().batches.retention_s
        file = FileObject(
            id=f"{ID_PREFIX}{batch.id.removeprefix(BATCH_PREFIX)}_{kind}",
            client=batch.client,
            name=f"{batch.id}_{kind}.jsonl",
            purpose=Purpose.BATCH_OUTPUT,
            created_at=now,
            expires_at=now + (batch.output_expires_after_s or retention_s),
        )
        await self.files.put(file, _after(first, lines))
        return file.id

    async def _lines(
        self, batch: Batch, line_of: Callable[[ListedItem], bytes | None]
    ) -> AsyncIterator[bytes]:
        after = 0
        while page := await self.queue.page(batch.id, after, CHUNK):
            found = [line for it in page if (line := line_of(it)) is not None]
            if found:
                yield b"".join(found)
            after = page[-1].number

    async def _enter(
        self, batch: Batch, state: BatchState, also: Callable[[Batch], Batch] = lambda it: it
    ) -> None:
        """Enters a state, unless another one was entered in the meantime."""
        now = self.clock.time_of_day()

        def entered(present: Batch) -> Batch:
            if present.state is not batch.state:
                return present
            return also(present.entering(state, now))

        await self.queue.change(batch.id, entered)


def _answered(item: ListedItem) -> bytes | None:
    return None if item.is_failed else item.line


def _failed(item: ListedItem, unfinished: tuple[str, str]) -> bytes | None:
    if item.line is None:
        return render_failure(item.custom_id, *unfinished)
    return item.line if item.is_failed else None


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for it in rest:
        yield it
