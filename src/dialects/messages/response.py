"""Renders complete answers in the format of Anthropic's Messages API."""

import json
from collections.abc import Mapping
from types import MappingProxyType

from modegate.dialects.json import encode
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall
from modegate.domain.conversation.thought import Thought

ID_PREFIX = "msg_mg_"
STOP_REASONS: Mapping[FinishReason, str] = MappingProxyType(
    {
        FinishReason.STOP: "end_turn",
        FinishReason.LENGTH: "max_tokens",
        FinishReason.CONTENT_FILTER: "refusal",
        FinishReason.TOOL_CALLS: "tool_use",
    }
)


def render_message(frame: AnswerFrame, completion: Completion) -> bytes:
    """Returns a `message` object."""
    return encode(
        message_head(frame)
        | {
            "content": _content(frame, completion),
            **stop_of(completion.finish_reason, completion.stop_text),
            "usage": render_usage(completion.usage),
        }
    )


def message_head(frame: AnswerFrame) -> dict[str, object]:
    """Returns a message that has no content yet, and no usage."""
    return {
        "id": frame.id_with(ID_PREFIX),
        "type": "message",
        "role": "assistant",
        "model": frame.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def stop_of(reason: FinishReason, stop_text: str | None) -> dict[str, object]:
    """Returns why the model stopped; a text of the client is a reason of its own."""
    stopped = STOP_REASONS[reason] if stop_text is None else "stop_sequence"
    return {"stop_reason": stopped, "stop_sequence": stop_text}


def render_usage(usage: Usage) -> dict[str, object]:
    """Returns a `usage` object, in which cached tokens are no part of `input_tokens`."""
    cached = usage.cached_tokens + usage.cache_write_tokens
    return {
        "input_tokens": max(0, usage.prompt_tokens - cached),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


def _content(frame: AnswerFrame, completion: Completion) -> list[dict[str, object]]:
    content: list[dict[str, object]] = []
    for piece in completion.pieces:
        if isinstance(piece, ToolCall):
            content.append(_tool_use(piece))
        elif isinstance(piece, str):
            _add_text(content, piece)
        elif frame.shows_reasoning and not piece.is_redacted:
            # Without a signature, it is left out of later requests (`foreign_thoughts.py`).
            content.append(_thinking(piece))
    return content


def _add_text(content: list[dict[str, object]], text: str) -> None:
    """Adds a text; behind another one, it belongs to that, as in a stream."""
    last = content[-1] if content else {}
    if last.get("type") == "text":
        last["text"] = f"{last['text']}{text}"
    else:
        content.append({"type": "text", "text": text})


def _thinking(thought: Thought) -> dict[str, object]:
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


def _tool_use(call: ToolCall) -> dict[str, object]:
    return {
        "type": "tool_use",
        "id": call.id,
        "name": call.name,
        "input": input_of(call.arguments),
    }


def input_of(arguments: str) -> object:
    """Returns the arguments as an object; other values under one name, so that none is lost."""
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        found = arguments
    return found if isinstance(found, dict) else {"arguments": found}
