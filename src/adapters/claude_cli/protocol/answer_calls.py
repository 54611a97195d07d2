"""The calls of the client's tools in one answer, without I/O."""

from collections.abc import Iterator
from dataclasses import field
from typing import Protocol

from modegate.adapters.claude_cli.protocol.events import Event, text
from modegate.domain.answer.events import AnswerEvent, ToolCallDelta, ToolCallStarted
from modegate.domain.conversation.message import ToolCall
from modegate.domain.text import PairJoiner
from modegate.lazy_dataclass import dataclass


class TextFilter(Protocol):
    """Changes a text that comes in pieces; what it holds back comes with `flush`."""

    def feed(self, text: str) -> str:
        """Returns what can be shown after `text`; may be empty."""
        ...

    def flush(self) -> str:
        """Returns what was held back, at the end of the text."""
        ...


class ToolNames(Protocol):
    """The names of the client's tools, which the CLI has others for."""

    def client_name(self, cli_name: str) -> str | None:
        """Returns the client's name of a tool; None if the tool is not the client's."""
        ...

    def text_filter(self) -> TextFilter:
        """Returns a filter that removes what the CLI adds to names."""
        ...


class Unfiltered:
    """Passes text on unchanged."""

    def feed(self, text: str) -> str:
        """Returns `text`."""
        return text

    def flush(self) -> str:
        """Returns nothing."""
        return ""


class NoTools:
    """The names of a client without tools."""

    def client_name(self, cli_name: str) -> str | None:  # noqa: ARG002
        """Returns None."""
        return None

    def text_filter(self) -> TextFilter:
        """Returns a filter that changes nothing."""
        return Unfiltered()


@dataclass(slots=True)
class _Call:
    block: int
    id: str
    name: str
    pieces: list[str] = field(default_factory=list)
    joiner: PairJoiner = field(default_factory=PairJoiner)


class AnswerCalls:
    """Collects the calls of the model's messages; those of built-in tools are left out."""

    def __init__(self, names: ToolNames) -> None:
        self._names = names
        self._calls: list[_Call] = []
        self._message_start = 0

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """All calls so far, with their arguments as JSON texts."""
        return tuple(ToolCall(it.id, it.name, "".join(it.pieces) or "{}") for it in self._calls)

    @property
    def has_some(self) -> bool:
        """Whether the current message calls a tool of the client."""
        return len(self._calls) > self._message_start

    def begin_message(self) -> None:
        """Starts a message of the model; its blocks are counted from 0."""
        self._message_start = len(self._calls)

    def begin_block(self, index: int, block: Event) -> Iterator[AnswerEvent]:
        """Starts a block, which is a call if it is of the type `tool_use`."""
        name = self._names.client_name(text(block, "name") or "")
        if block.get("type") != "tool_use" or name is None:
            return
        call = _Call(index, text(block, "id") or "", name)
        self._calls.append(call)
        yield ToolCallStarted(len(self._calls) - 1, call.id, call.name)

    def add(self, index: int, piece: str) -> Iterator[AnswerEvent]:
        """Adds a piece of the arguments of the call in the block `index`."""
        for at, call in self._of_block(index):
            if told := call.joiner.join(piece):
                call.pieces.append(told)
                yield ToolCallDelta(at, told)

    def end_block(self, index: int) -> Iterator[AnswerEvent]:
        """Ends a block; a call without arguments has an empty object."""
        for at, call in self._of_block(index):
            if not call.pieces:
                call.pieces.append("{}")
                yield ToolCallDelta(at, "{}")

    def drop(self, first_block: int = 0) -> None:
        """Discards the calls of the current message from the block `first_block` on."""
        kept = [it for it in self._calls[self._message_start :] if it.block < first_block]
        self._calls[self._message_start :] = kept

    def _of_block(self, index: int) -> Iterator[tuple[int, _Call]]:
        for at in range(self._message_start, len(self._calls)):
            if self._calls[at].block == index:
                yield at, self._calls[at]
