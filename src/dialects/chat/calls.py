"""Renders calls of the client's tools in the form in which it described them."""

from collections.abc import Iterator, Mapping, Sequence

from modegate.dialects.pieces import in_pieces
from modegate.domain.answer.events import FinishReason, ToolCallDelta, ToolCallStarted
from modegate.domain.answer.growing_text import GrowingText
from modegate.domain.conversation.message import ToolCall
from modegate.domain.tools.client_tool import ToolOffer
from modegate.domain.tools.free_text import text_of

Fields = dict[str, object]


def finish_reason_of(reason: FinishReason, offer: ToolOffer | None) -> str:
    """Returns the finish reason; calls of `functions` have one of their own."""
    is_legacy = offer is not None and offer.legacy
    return "function_call" if is_legacy and reason is FinishReason.TOOL_CALLS else reason


def fields_of(calls: Sequence[ToolCall], offer: ToolOffer | None) -> Fields:
    """Returns the fields of a message with calls; `functions` have one call at most."""
    if not calls:
        return {}
    if offer is not None and offer.legacy:
        return {"function_call": {"name": calls[0].name, "arguments": calls[0].arguments}}
    free = _free_text_names(offer)
    return {"tool_calls": [_call(call, is_custom=call.name in free) for call in calls]}


class CallRenderer:
    """Renders the calls of one streamed answer as the deltas of its message.

    The text of a custom tool comes in one piece, when its arguments are complete.
    """

    def __init__(self, offer: ToolOffer | None) -> None:
        self._is_legacy = offer is not None and offer.legacy
        self._free = _free_text_names(offer)
        self._texts: dict[int, GrowingText] = {}  # of calls of custom tools

    def render(self, event: ToolCallStarted | ToolCallDelta) -> Iterator[Fields]:
        """Yields the deltas of one event."""
        if self._is_legacy:
            yield from self._function_call(event)
        elif isinstance(event, ToolCallStarted):
            if event.name in self._free:
                self._texts[event.index] = GrowingText()
            yield _piece(event.index, _started(event, is_custom=event.name in self._free))
        elif event.index in self._texts:
            self._texts[event.index].add(event.arguments)
        else:
            for part in in_pieces(event.arguments):
                yield _piece(event.index, {"function": {"arguments": part}})

    def end(self) -> Iterator[Fields]:
        """Yields the deltas that remain at the end of the answer."""
        for index, arguments in self._texts.items():
            for part in in_pieces(text_of(arguments.text)):
                yield _piece(index, {"custom": {"input": part}})

    def _function_call(self, event: ToolCallStarted | ToolCallDelta) -> Iterator[Fields]:
        if event.index:
            return
        if isinstance(event, ToolCallStarted):
            yield {"function_call": {"name": event.name, "arguments": ""}}
            return
        for part in in_pieces(event.arguments):
            yield {"function_call": {"arguments": part}}


def _piece(index: int, fields: Mapping[str, object]) -> Fields:
    return {"tool_calls": [{"index": index, **fields}]}


def _started(event: ToolCallStarted, *, is_custom: bool) -> Fields:
    return _call(ToolCall(event.id, event.name, ""), is_custom=is_custom)


def _call(call: ToolCall, *, is_custom: bool) -> Fields:
    if is_custom:
        custom = {"name": call.name, "input": text_of(call.arguments)}
        return {"id": call.id, "type": "custom", "custom": custom}
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _free_text_names(offer: ToolOffer | None) -> frozenset[str]:
    return frozenset(it.name for it in offer.tools if it.free_text) if offer else frozenset()
