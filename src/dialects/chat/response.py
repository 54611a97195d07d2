"""Renders complete answers in the format of the OpenAI API."""

from modegate.dialects.chat.calls import fields_of, finish_reason_of
from modegate.dialects.json import encode
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.tools.client_tool import ToolOffer


def render_completion(frame: AnswerFrame, completion: Completion) -> bytes:
    """Returns a `chat.completion` object."""
    return encode(
        {
            "id": frame.completion_id,
            "object": "chat.completion",
            "created": frame.created,
            "model": frame.model,
            "choices": [
                {
                    "index": 0,
                    "message": _message(completion, frame.tools),
                    "logprobs": None,
                    "finish_reason": finish_reason_of(completion.finish_reason, frame.tools),
                }
            ],
            "usage": render_usage(completion.usage),
        }
    )


def _message(completion: Completion, offer: ToolOffer | None) -> dict[str, object]:
    content = completion.text or (None if completion.calls else "")
    message: dict[str, object] = {"role": "assistant", "content": content, "refusal": None}
    if completion.reasoning:
        message["reasoning_content"] = completion.reasoning
    return message | fields_of(completion.calls, offer)


def render_usage(usage: Usage) -> dict[str, object]:
    """Returns a `usage` object."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
