"""The objects of a response: itself, its items and its usage."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from modegate.dialects.responses.tools import INPUT, DeclaredTool, Form
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall

ID_PREFIX = "resp_mg_"
Object = dict[str, object]
ITEM_PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "reasoning": "rs_mg_",
        "message": "msg_mg_",
        "function_call": "fc_mg_",
        "custom_tool_call": "ctc_mg_",
    }
)
INCOMPLETE: Mapping[FinishReason, str] = MappingProxyType(
    {FinishReason.LENGTH: "max_output_tokens", FinishReason.CONTENT_FILTER: "content_filter"}
)


def response_of(frame: AnswerFrame, status: str, output: Sequence[Object] = ()) -> Object:
    """Returns a response without its usage, which the types of OpenAI's SDK forbid to be null."""
    defaults: Object = {
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "conversation": None if frame.session_id is None else {"id": frame.session_id},
        "store": False,
        "reasoning": {"effort": None, "summary": None},
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
    }
    return {
        "id": frame.id_with(ID_PREFIX),
        "object": "response",
        "created_at": frame.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": frame.model,
        "output": list(output),
        "service_tier": "default",
        **defaults,
        **frame.echoed,
    }


def usage_of(usage: Usage) -> Object:
    """Returns the usage of a response."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def text_part(text: str) -> Object:
    """Returns a part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def reasoning_of(item_id: str, text: str, sealed: str) -> Object:
    """Returns reasoning; `text` is empty while it is in progress, or if nothing of it is shown."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    item: Object = {"id": item_id, "type": "reasoning", "summary": summary}
    return item | ({"encrypted_content": sealed} if sealed else {})


def message_of(item_id: str, text: str, status: str) -> Object:
    """Returns a message; without its part while it is in progress."""
    content = [text_part(text)] if status != "in_progress" else []
    said: Object = {"id": item_id, "type": "message", "role": "assistant"}
    return said | {"status": status, "content": content}


def call_of(call: ToolCall, declared: DeclaredTool | None, item_id: str, status: str) -> Object:
    """Returns the call of a tool, in the form in which the client declared it."""
    item: Object = {"id": item_id, "type": "function_call", "status": status, "call_id": call.id}
    item |= {"name": declared.name if declared else call.name}
    if declared is not None and declared.namespace is not None:
        item["namespace"] = declared.namespace
    if is_custom(declared):
        del item["status"]
        return item | {"type": "custom_tool_call", "input": input_of(call.arguments)}
    return item | {"arguments": call.arguments}


def is_custom(declared: DeclaredTool | None) -> bool:
    """Returns whether a tool takes a text in place of arguments."""
    return declared is not None and declared.form is Form.CUSTOM


def input_of(arguments: str) -> str:
    """Returns the text of a call of a custom tool; of arguments without one, all of them."""
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        return arguments
    text = found.get(INPUT, "") if isinstance(found, dict) else found
    return text if isinstance(text, str) else arguments
