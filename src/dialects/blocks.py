"""The events of an answer as blocks, one after the other.

Calls may overlap in the events of an answer. The blocks of `/v1/messages` and the items of
`/v1/responses` may not: those that come early wait until the block before them is complete.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import field
from enum import Enum, auto

from modegate.dialects.pieces import in_pieces
from modegate.domain.answer.events import (
    AnswerEvent,
    ReasoningDelta,
    ReasoningSigned,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.growing_text import GrowingText
from modegate.domain.conversation.message import ToolCall
from modegate.lazy_dataclass import dataclass


class BlockKind(Enum):
    """What a block holds."""

    REASONING = auto()
    TEXT = auto()
    CALL = auto()


@dataclass(frozen=True, slots=True)
class BlockStarted:
    """A block begins; blocks have the indices 0, 1, ... `call` has no arguments yet."""

    index: int
    kind: BlockKind
    call: ToolCall | None = None


@dataclass(frozen=True, slots=True)
class BlockPiece:
    """The next piece of a block's text, or of its arguments; never empty."""

    index: int
    kind: BlockKind
    text: str


@dataclass(frozen=True, slots=True)
class BlockEnded:
    """A block is complete; `call` is the whole call, and `signature` that of a thought.

    `sealed` is the thought in the form in which a client keeps it.
    """

    index: int
    kind: BlockKind
    call: ToolCall | None = None
    signature: str = ""
    sealed: str = ""


BlockEvent = BlockStarted | BlockPiece | BlockEnded


@dataclass(slots=True)
class _Block:
    kind: BlockKind
    call: ToolCallStarted | None = None
    pending: list[str] = field(default_factory=list)
    arguments: GrowingText = field(default_factory=GrowingText)
    may_be_complete: bool = False
    is_open: bool = False
    signature: str = ""
    sealed: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing can follow, because another block has begun after this one."""
        if self.kind is not BlockKind.CALL:
            return True
        if not self.may_be_complete:
            return False
        try:
            json.loads(self.arguments.text)
        except ValueError:
            self.may_be_complete = False
            return False
        return True

    def add_arguments(self, piece: str) -> None:
        """Adds the next piece of a call's arguments.

        Only a piece with a closing bracket may complete them; to parse them after each piece would
        take a time that grows with the square of their size.
        """
        self.pending += in_pieces(piece)
        self.arguments.add(piece)
        self.may_be_complete = self.may_be_complete or "}" in piece


class Blocks:
    """Brings the events of one answer into the order of blocks."""

    def __init__(self) -> None:
        self._waiting: deque[_Block] = deque()  # the first one is open
        self._next_index = 0

    def feed(self, event: AnswerEvent) -> Iterator[BlockEvent]:
        """Yields what an event begins, adds and ends; nothing for events without content."""
        match event:
            case ReasoningDelta(text):
                self._last_of(BlockKind.REASONING).pending += in_pieces(text)
            case ReasoningSigned(signature, sealed):
                block = self._last_of(BlockKind.REASONING)
                block.signature, block.sealed = signature, sealed
            case TextDelta(text):
                self._last_of(BlockKind.TEXT).pending += in_pieces(text)
            case ToolCallStarted():
                self._waiting.append(_Block(BlockKind.CALL, event))
            case ToolCallDelta(index, arguments):
                self._add_arguments(index, arguments)
            case _:
                return
        yield from self._advance()

    def finish(self) -> Iterator[BlockEvent]:
        """Yields what waits, and ends all blocks."""
        yield from self._advance(is_last=True)

    def _last_of(self, kind: BlockKind) -> _Block:
        last = self._waiting[-1] if self._waiting else None
        if last is None or last.kind is not kind or last.signature:
            self._waiting.append(_Block(kind))
        return self._waiting[-1]

    def _add_arguments(self, index: int, arguments: str) -> None:
        for block in self._waiting:
            if block.call is not None and block.call.index == index:
                block.add_arguments(arguments)

    def _advance(self, *, is_last: bool = False) -> Iterator[BlockEvent]:
        while self._waiting:
            block = self._waiting[0]
            if not block.is_open:
                block.is_open = True
                yield BlockStarted(self._next_index, block.kind, _call_of(block, ""))
            for piece in block.pending:
                yield BlockPiece(self._next_index, block.kind, piece)
            block.pending.clear()
            if not (is_last or (len(self._waiting) > 1 and block.is_complete)):
                return
            call = _call_of(block, block.arguments.text)
            yield BlockEnded(self._next_index, block.kind, call, block.signature, block.sealed)
            self._waiting.popleft()
            self._next_index += 1


def _call_of(block: _Block, arguments: str) -> ToolCall | None:
    if block.call is None:
        return None
    return ToolCall(block.call.id, block.call.name, arguments)
