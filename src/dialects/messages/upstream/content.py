"""The blocks of an answer as events, of complete and of streamed answers."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from modegate.dialects.json import encode
from modegate.domain.answer.events import (
    AnswerEvent,
    FinishReason,
    ReasoningDelta,
    ReasoningSigned,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)

Object = Mapping[str, object]

# Source: Anthropic's reference, "Stop reasons", 2026-11. A paused turn is not complete.
FINISH_REASONS: Mapping[object, FinishReason] = MappingProxyType(
    {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        "pause_turn": FinishReason.LENGTH,
        "tool_use": FinishReason.TOOL_CALLS,
        "refusal": FinishReason.CONTENT_FILTER,
    }
)
NO_ARGUMENTS = "{}"
# A thought that the API has encrypted; its data is all that it gives.
REDACTED = "redacted_thinking"


def finish_reason_of(stop_reason: object) -> FinishReason:
    """Returns why the model stopped; reasons that are not known yet are the usual end."""
    if not isinstance(stop_reason, str):
        return FinishReason.STOP
    return FINISH_REASONS.get(stop_reason, FinishReason.STOP)


def text_in(block: Object, name: str) -> str:
    """Returns the text of a field; empty if it has none."""
    value = block.get(name)
    return value if isinstance(value, str) else ""


class ContentEvents:
    """Translates blocks to events; they follow one another. Other kinds of blocks are left out.

    Anthropic's servers run their own tools, whose blocks no other API has.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._kind = ""
        self._signature = ""
        self._input: object = None
        self._has_arguments = False

    def start(self, block: Object) -> Iterator[AnswerEvent]:
        """Yields the events of a block that begins; a complete one has its content."""
        self._kind = text_in(block, "type")
        redacted = self._kind == REDACTED
        self._signature = text_in(block, "data" if redacted else "signature")
        if self._kind == "tool_use":
            self._input, self._has_arguments = block.get("input"), False
            yield ToolCallStarted(self._calls, text_in(block, "id"), text_in(block, "name"))
        elif self._kind == "text" and (text := text_in(block, "text")):
            yield TextDelta(text)
        elif self._kind == "thinking" and (text := text_in(block, "thinking")):
            yield ReasoningDelta(text)

    def add(self, delta: Object) -> Iterator[AnswerEvent]:
        """Yields the events of a piece of the block."""
        match delta.get("type"):
            case "text_delta" if self._kind == "text" and (text := text_in(delta, "text")):
                yield TextDelta(text)
            case "thinking_delta" if text := text_in(delta, "thinking"):
                yield ReasoningDelta(text)
            case "signature_delta":
                self._signature += text_in(delta, "signature")
            case "input_json_delta" if self._kind == "tool_use":
                if piece := text_in(delta, "partial_json"):
                    self._has_arguments = True
                    yield ToolCallDelta(self._calls, piece)
            case _:
                pass

    def stop(self) -> Iterator[AnswerEvent]:
        """Yields the events of a block that ends."""
        if self._kind in ("thinking", REDACTED) and self._signature:
            yield ReasoningSigned(self._signature, is_redacted=self._kind == REDACTED)
        elif self._kind == "tool_use":
            if not self._has_arguments:
                arguments = encode(self._input).decode() if self._input else NO_ARGUMENTS
                yield ToolCallDelta(self._calls, arguments)
            self._calls += 1
        self._kind = ""
