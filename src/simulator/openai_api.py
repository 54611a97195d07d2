"""A simulation of OpenAI's Chat Completions API."""

import uuid
from collections.abc import Iterator, Mapping

from modegate.simulator.api import Call, Fails, ProviderApi, Says, encode


class OpenAIDialect(ProviderApi):
    """Renders answers of `POST /v1/chat/completions`."""

    def error(self, step: Fails) -> object:
        """Returns an `error` object."""
        return {"error": {"message": step.message, "type": step.kind, "param": None, "code": None}}

    def whole(self, model: str, step: Says) -> object:
        """Returns a `chat.completion` object."""
        message: dict[str, object] = {
            "role": "assistant",
            "content": step.text or None,
            "refusal": None,
        }
        if step.thinking:
            message["reasoning_content"] = step.thinking  # as DeepSeek does
        if step.calls:
            message["tool_calls"] = [_call(it, it.arguments) for it in step.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(step)}
        return self._object(model, "chat.completion") | {"choices": [choice], "usage": _usage(step)}

    def pieces(self, body: Mapping[str, object], step: Says) -> Iterator[tuple[bytes, bool]]:
        """Yields the events from the chunk with the role to `[DONE]`."""
        options = body.get("stream_options")
        include_usage = isinstance(options, dict) and options.get("include_usage") is True
        head = self._object(str(body.get("model", "")), "chat.completion.chunk")

        def chunk(delta: object, reason: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            return b"data: %b\n\n" % encode({**head, "choices": [choice]})

        yield chunk({"role": "assistant", "content": ""}), False
        if step.thinking:
            yield chunk({"reasoning_content": step.thinking}), False
        for word in step.words:
            yield chunk({"content": word}), True
        for index, call in enumerate(step.calls):
            yield chunk({"tool_calls": [{"index": index, **_call(call, "")}]}), False
            for piece in call.pieces:
                part = {"index": index, "function": {"arguments": piece}}
                yield chunk({"tool_calls": [part]}), False
        yield chunk({}, _reason(step)), False
        if include_usage:
            yield b"data: %b\n\n" % encode({**head, "choices": [], "usage": _usage(step)}), False
        yield b"data: [DONE]\n\n", False

    def _object(self, model: str, kind: str) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": kind,
            "created": 1_700_000_000,
            "model": model,
        }


def _call(call: Call, arguments: str) -> dict[str, object]:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _reason(step: Says) -> str:
    return "tool_calls" if step.calls else "stop"


def _usage(step: Says) -> dict[str, object]:
    prompt_tokens = step.input_tokens + step.cached_tokens  # unlike Anthropic's, it includes them
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(step.words),
        "total_tokens": prompt_tokens + len(step.words),
        "prompt_tokens_details": {"cached_tokens": step.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
