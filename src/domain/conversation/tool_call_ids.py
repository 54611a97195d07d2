"""Repairs the ids of tool calls and of their results, for upstreams that reject other ids."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from modegate.domain.conversation.tool_call_pairing import ToolCall, ToolResult, pair
from modegate.domain.errors.catalogue import messages as errors

VALID_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Message = Mapping[str, object]


def repair_tool_call_ids(messages: list[object]) -> list[object]:
    """Returns the messages with a valid and unique id for each call, and the same in its result.

    Valid ids are kept; of equal ones, the first. Any other id is made from the place of its call.
    A result belongs to the oldest waiting call with its id. Without a usable id, it belongs to the
    oldest waiting call, or to that of the function that it names. The input is not changed. It is
    returned itself if nothing has to change.

    Raises:
        InvalidRequestError: if a result has no call; `param` is `messages[i].tool_call_id`.
    """
    calls, results = list(_calls(messages)), list(_results(messages))
    _assign_ids(calls)
    pair(calls, results)
    changed: dict[int, object] = {}
    for call in calls:
        _repair_call(messages, call, changed)
    for result in results:
        if result.call is None:
            raise errors.orphan_result(f"messages[{result.message}]")
        message = messages[result.message]
        if isinstance(message, Mapping) and message.get("tool_call_id") != result.call.id:
            changed[result.message] = {**message, "tool_call_id": result.call.id}
    return [changed.get(i, it) for i, it in enumerate(messages)] if changed else messages


def _calls(messages: Iterable[object]) -> Iterator[ToolCall]:
    for i, message in _of_role(messages, "assistant"):
        for j, call in enumerate(_listed(message)):
            if isinstance(call, Mapping):
                function = call.get("function") or call.get("custom")
                name = function.get("name") if isinstance(function, Mapping) else None
                yield ToolCall(i, j, _text(call.get("id")), _text(name))


def _results(messages: Iterable[object]) -> Iterator[ToolResult]:
    for i, message in _of_role(messages, "tool"):
        given = _text(message.get("tool_call_id"))
        yield ToolResult(i, given, _text(message.get("name")), _is_valid(given))


def _of_role(messages: Iterable[object], role: str) -> Iterator[tuple[int, Message]]:
    for i, message in enumerate(messages):
        if isinstance(message, Mapping) and message.get("role") == role:
            yield i, message


def _listed(message: Message) -> list[object]:
    calls = message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _text(value: object) -> str | None:
    """Returns a nonempty text; a number as text, because some clients count their calls."""
    return str(value) if isinstance(value, str | int) and value != "" else None


def _is_valid(given: str | None) -> bool:
    return given is not None and VALID_ID.fullmatch(given) is not None


def _assign_ids(calls: Iterable[ToolCall]) -> None:
    taken: set[str] = set()
    for call in calls:
        call.is_made = call.given in taken or not _is_valid(call.given)
        if not call.is_made and call.given is not None:
            call.id = call.given
            taken.add(call.id)
    for call in calls:
        if call.is_made:
            call.id = _free_id(call, taken)
            taken.add(call.id)


def _free_id(call: ToolCall, taken: set[str]) -> str:
    """Returns an id made from the place of a call; numbered if another call has the same."""
    made = f"call_{call.message}_{call.position}"
    free, number = made, 0
    while free in taken:
        number += 1
        free = f"{made}_{number}"
    return free


def _repair_call(messages: Sequence[object], call: ToolCall, changed: dict[int, object]) -> None:
    """Sets the id of a call, in a copy of its message in `changed`."""
    message = changed.get(call.message, messages[call.message])
    listed = _listed(message) if isinstance(message, Mapping) else []
    before = listed[call.position]
    if isinstance(message, Mapping) and isinstance(before, Mapping) and before.get("id") != call.id:
        if call.message not in changed:
            listed = listed.copy()
            changed[call.message] = {**message, "tool_calls": listed}
        listed[call.position] = {**before, "id": call.id}
