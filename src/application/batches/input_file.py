"""Reads the input file of a batch."""

from collections.abc import AsyncIterator

from modegate.dialects.batch import InvalidLineError, duplicate_id, parse_item
from modegate.domain.batches.batch import Batch, BatchFault
from modegate.domain.batches.limits import MAX_INPUT_BYTES, MAX_ITEMS, MIB
from modegate.domain.batches.queued_item import QueuedItem
from modegate.domain.routing.mode import Mode

LONGEST_LINE = 32 * MIB
MAX_FAULTS = 50


class InputFaults:
    """Collects what is wrong with a file, up to `MAX_FAULTS`."""

    def __init__(self) -> None:
        self.found: list[BatchFault] = []

    @property
    def are_enough(self) -> bool:
        """Whether no more faults are collected."""
        return len(self.found) >= MAX_FAULTS

    def add(
        self, code: str, message: str, line: int | None = None, param: str | None = None
    ) -> None:
        """Adds a fault; `line` counts from one."""
        if not self.are_enough:
            self.found.append(BatchFault(code=code, message=message, line=line, param=param))


async def lines_of(pieces: AsyncIterator[bytes], faults: InputFaults) -> AsyncIterator[bytes]:
    """Yields the lines of a file without their ends; ends early at what is too large."""
    rest, size = b"", 0
    async for piece in pieces:
        size += len(piece)
        if size > MAX_INPUT_BYTES:
            faults.add(
                "file_too_large",
                f"The file is larger than {MAX_INPUT_BYTES // MIB} MB: split it.",
            )
            return
        *complete, rest = (rest + piece).split(b"\n")
        for line in complete:
            yield line
        if len(rest) > LONGEST_LINE:
            faults.add("line_too_long", f"A line is longer than {LONGEST_LINE // MIB} MB.")
            return
    if rest:
        yield rest


class ItemReader:
    """Turns lines into items, and notes the faults of those that are none."""

    def __init__(self, batch: Batch, faults: InputFaults) -> None:
        self._batch = batch
        self._faults = faults
        self._known: set[str] = set()
        self.lines = 0

    def read(self, line: bytes) -> QueuedItem | None:
        """Returns the item of the next line; None for an empty line, or after a fault."""
        self.lines += 1
        if not line.strip():
            return None
        if len(self._known) >= MAX_ITEMS:
            message = f"The file has more than {MAX_ITEMS} requests: split it."
            if not any(it.code == "too_many_requests" for it in self._faults.found):
                self._faults.add("too_many_requests", message)
            return None
        try:
            item = parse_item(line, self.lines)
            if item.custom_id in self._known:
                raise duplicate_id(self.lines)
        except InvalidLineError as fault:
            self._faults.add(fault.code, fault.problem, fault.line, fault.param)
            return None
        self._known.add(item.custom_id)
        if item.url != self._batch.endpoint:
            message = f"url must be the endpoint of the batch, {self._batch.endpoint}."
            self._faults.add("mismatched_url", message, self.lines, "url")
            return None
        if self._batch.mode is Mode.PASSTHROUGH and not item.body.params.get("model"):
            message = "body has no model: name one."
            self._faults.add("missing_required_parameter", message, self.lines, "body.model")
            return None
        return QueuedItem(self.lines, item.custom_id, line)
