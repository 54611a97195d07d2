"""Joins chunks into a completion, for upstreams that stream without being asked to."""

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]

# Strings that are complete in every chunk; all other strings are pieces to concatenate.
WHOLE_STRINGS = frozenset({"id", "type", "role", "name", "format", "signature", "model"})


def join_chunks(chunks: Iterable[Mapping[str, Any]]) -> Object:
    """Returns the `chat.completion` that the chunks form; unknown fields are kept."""
    completion: Object = {}
    choices: dict[int, Object] = {}
    for chunk in chunks:
        completion.update(_told(chunk, without={"choices"}))
        for choice in _objects(chunk.get("choices")):
            index = choice.get("index")
            _add(choices.setdefault(index if isinstance(index, int) else 0, {}), choice)
    finished = [_finished(index, choices[index]) for index in sorted(choices)]
    return {**completion, "object": "chat.completion", "choices": finished}


def _add(into: Object, choice: Mapping[str, Any]) -> None:
    if isinstance(message := choice.get("message"), Mapping):
        into["message"] = {}  # some upstreams end with the complete message: replaces the deltas
    for part in (message, choice.get("delta")):
        if isinstance(part, Mapping):
            merge(into.setdefault("message", {}), part)
    if isinstance(logprobs := choice.get("logprobs"), Mapping):
        merge(into.setdefault("logprobs", {}), logprobs)
    into.update(_told(choice, without={"delta", "message", "logprobs", "index"}))


def _finished(index: int, choice: Object) -> Object:
    message = {"role": "assistant", "content": None, **choice.get("message", {})}
    for call in _objects(message.get("tool_calls")):
        call.pop("index", None)
    return {"finish_reason": None, "logprobs": None, **choice, "index": index, "message": message}


def merge(into: Object, delta: Mapping[str, Any]) -> None:
    """Merges a delta: appends texts and lists, merges objects, replaces other values."""
    for name, value in delta.items():
        had = into.get(name)
        if isinstance(value, str) and isinstance(had, str):
            into[name] = (value or had) if name in WHOLE_STRINGS else had + value
        elif isinstance(value, Mapping):
            into[name] = had if isinstance(had, dict) else {}
            merge(into[name], value)
        elif isinstance(value, list):
            into[name] = had if isinstance(had, list) else []
            _extend(into[name], value)
        elif value is not None or name not in into:
            into[name] = value


def _extend(into: list[Any], more: list[Any]) -> None:
    """Merges entries with a known `index` into that entry, and appends all others."""
    for entry in more:
        if not isinstance(entry, Mapping):
            into.append(entry)
            continue
        index = entry.get("index")
        begun = next((it for it in _objects(into) if it.get("index") == index), None)
        if index is None or begun is None:
            begun = {}
            into.append(begun)
        merge(begun, entry)


def _objects(value: object) -> list[Object]:
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


def _told(part: Mapping[str, Any], *, without: set[str]) -> Object:
    return {name: it for name, it in part.items() if it is not None and name not in without}
