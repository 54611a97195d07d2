"""A simulation of Anthropic's Messages API, limited to the parts that the claude CLI uses."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence

from modegate.simulator.api import Call, Fails, ProviderApi, Says, encode

SIGNATURE = "c2ln"


class AnthropicDialect(ProviderApi):
    """Renders answers of `POST /v1/messages`."""

    def error(self, step: Fails) -> object:
        """Returns an `error` object."""
        return {"type": "error", "error": {"type": step.kind, "message": step.message}}

    def whole(self, model: str, step: Says) -> object:
        """Returns a `message` object."""
        content: list[object] = []
        if step.thinking:
            thought = {"thinking": step.thinking, "signature": SIGNATURE}
            content.append({"type": "thinking", **thought})
        if step.words:
            content.append({"type": "text", "text": step.text})
        content += [
            {"type": "tool_use", "id": it.id, "name": it.name, "input": json.loads(it.arguments)}
            for it in step.calls
        ]
        return self._message(model, step) | {"content": content, "stop_reason": _stop(step)}

    def pieces(self, body: Mapping[str, object], step: Says) -> Iterator[tuple[bytes, bool]]:
        """Yields the events from `message_start` to `message_stop`."""
        model = str(body.get("model", ""))
        yield self._event("message_start", message=self._message(model, step)), False
        index = 0
        if step.thinking:
            for event in self._thinking(step.thinking):
                yield event, False
            index = 1
        if step.words:
            block, piece, name = _block(step)
            yield self._event("content_block_start", index=index, content_block=block), False
            for word in step.words:
                delta = {"type": piece, name: word}
                yield self._event("content_block_delta", index=index, delta=delta), True
            yield self._event("content_block_stop", index=index), False
            index += 1
        for call in step.calls:
            for event in self._call(index, call, offered_names(body)):
                yield event, False
            index += 1
        yield (
            self._event(
                "message_delta",
                delta={"stop_reason": _stop(step), "stop_sequence": step.stop_text},
                usage={"output_tokens": len(step.words) + len(step.calls)},
            ),
            False,
        )
        yield self._event("message_stop"), False

    def _call(self, index: int, call: Call, offered: Sequence[str]) -> Iterator[bytes]:
        name = next((it for it in offered if it.endswith(f"__{call.name}")), call.name)
        block = {"type": "tool_use", "id": call.id, "name": name, "input": {}}
        yield self._event("content_block_start", index=index, content_block=block)
        for piece in call.pieces:
            delta = {"type": "input_json_delta", "partial_json": piece}
            yield self._event("content_block_delta", index=index, delta=delta)
        yield self._event("content_block_stop", index=index)

    def _thinking(self, text: str) -> Iterator[bytes]:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        yield self._event("content_block_start", index=0, content_block=block)
        delta = {"type": "thinking_delta", "thinking": text}
        yield self._event("content_block_delta", index=0, delta=delta)
        delta = {"type": "signature_delta", "signature": SIGNATURE}
        yield self._event("content_block_delta", index=0, delta=delta)
        yield self._event("content_block_stop", index=0)

    def _message(self, model: str, step: Says) -> dict[str, object]:
        return {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": step.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": step.cached_tokens,
                "output_tokens": 1,
            },
        }

    def _event(self, kind: str, **fields: object) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), encode({"type": kind, **fields}))


def _block(step: Says) -> tuple[dict[str, object], str, str]:
    """Returns the empty block of an answer, and the type and the field of its deltas."""
    if not step.tool:
        return {"type": "text", "text": ""}, "text_delta", "text"
    call = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": step.tool}
    return {**call, "input": {}}, "input_json_delta", "partial_json"


def offered_names(body: Mapping[str, object]) -> list[str]:
    """Returns the names of the tools in a request to the Messages API."""
    tools = body.get("tools")
    return [str(it.get("name")) for it in (tools if isinstance(tools, list) else ())]


def _stop(step: Says) -> str:
    return "tool_use" if step.calls else step.stop
