"""Splits a completion into chunks, for upstreams that ignore `stream: true`."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

PUT_ELSEWHERE = frozenset({"message", "logprobs"})


def split_completion(completion: Mapping[str, Any]) -> list[Object]:
    """Returns two chunks for each choice of a `chat.completion`; none for any other object.

    The last chunk has the usage. Clients that did not ask for a usage chunk do not expect one.
    """
    choices = completion.get("choices")
    if not isinstance(choices, list) or not choices or not all(map(_has_message, choices)):
        return []
    shared = {name: it for name, it in completion.items() if name not in {"choices", "usage"}}
    shared["object"] = "chat.completion.chunk"
    chunks = []
    for position, choice in enumerate(choices):
        chunks += [{**shared, "choices": [part]} for part in _parts(position, choice)]
    if completion.get("usage") is not None:
        chunks[-1]["usage"] = completion["usage"]
    return chunks


def _has_message(choice: object) -> bool:
    return isinstance(choice, Mapping) and isinstance(choice.get("message"), Mapping)


def _parts(position: int, choice: Mapping[str, Any]) -> tuple[Object, Object]:
    """Returns the chunk with a choice's message and the one with its finish reason."""
    index = {"index": choice.get("index", position)}
    said: Object = {"delta": _delta(choice["message"]), "finish_reason": None}
    if choice.get("logprobs") is not None:
        said["logprobs"] = choice["logprobs"]
    rest = {name: it for name, it in choice.items() if name not in PUT_ELSEWHERE}
    ended: Object = {"delta": {}, "finish_reason": choice.get("finish_reason") or "stop"}
    return index | said, index | rest | ended


def _delta(message: Mapping[str, Any]) -> Object:
    """Returns a message as one delta, in which each tool call has an index."""
    delta = {name: it for name, it in message.items() if it is not None}
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        delta["tool_calls"] = [
            {"index": at, **call} if isinstance(call, Mapping) else call
            for at, call in enumerate(calls)
        ]
    return delta
