"""The messages of a conversation as the turns that the Messages API takes."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from modegate.adapters.claude_cli.content import blocks_of
from modegate.domain.conversation.message import SYSTEM_ROLES, Message, Role, TextPart, ToolCall
from modegate.domain.conversation.tool_call_pairing import ToolCall as Call
from modegate.domain.conversation.tool_call_pairing import ToolResult, pair

Block = dict[str, object]
Turn = tuple[str, list[Block]]

# The prefix that the CLI gives to the names of a client's tools.
PREFIX = "mcp__client__"
VALID_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The API takes no other characters in a name; the CLI writes `_` for them, too.
OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9_-]")
# A conversation must begin with a user. The CLI's own word for a message without text.
NOTHING_SAID = "(no content)"
NO_RESULT = "[No result: the conversation went on without one.]"


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """Returns the turns; `assistant` turns never follow each other.

    The results of an answer's calls follow it, in one turn and in the order of the calls. A call
    without a result gets one that says so; a result without a call is told as text.
    """
    said = [it for it in messages if it.role not in SYSTEM_ROLES]
    calls, results = _paired(said)
    turns: list[Turn] = []
    for at, message in enumerate(said):
        if message.is_result:
            if at not in results:
                turns.append(("user", [_text(f"[Result of {message.name}]\n{message.text}")]))
        elif message.role is Role.ASSISTANT:
            _add_answer(turns, message, calls.get(at, []))
            if calls.get(at):
                turns.append(("user", [_result_of(it, said) for it in calls[at]]))
        else:
            turns.append(("user", part_blocks(message) or [_text(NOTHING_SAID)]))
    if turns and turns[0][0] == "assistant":
        turns.insert(0, ("user", [_text(NOTHING_SAID)]))
    return turns


def part_blocks(message: Message) -> list[Block]:
    """Returns the blocks of a message's parts; the API takes none without visible text."""
    found: list[Block] = []
    for part in message.parts:
        if not isinstance(part, TextPart):
            found += blocks_of(Message(message.role, (part,)))
        elif part.text.strip():
            found.append(_text(part.text))
    return found


def result_block(call_id: str, result: Message) -> Block:
    """Returns the block of a call's result."""
    content = part_blocks(result) if result.has_media else result.text
    block: Block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return block | {"is_error": True} if result.is_error else block


def missing_result(call_id: str) -> Block:
    """Returns the block of a call that has no result."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": NO_RESULT}
    return block | {"is_error": True}


class _PairedCall:
    """A call under an id that the API takes, and the index of its result's message."""

    def __init__(self, call: ToolCall, call_id: str, result: int | None) -> None:
        self.call = call
        self.id = call_id
        self.result = result


def _paired(said: Sequence[Message]) -> tuple[Mapping[int, list[_PairedCall]], set[int]]:
    """Returns the calls of each message by its index, and the results that have a call."""
    made = [
        Call(i, j, call.id or None, call.name)
        for i, message in enumerate(said)
        for j, call in enumerate(message.calls)
    ]
    found = [
        ToolResult(i, it.call_id, it.name, it.call_id is not None)
        for i, it in enumerate(said)
        if it.is_result
    ]
    pair(made, found)
    result_of = {id(it.call): it.message for it in found if it.call is not None}
    calls: defaultdict[int, list[_PairedCall]] = defaultdict(list)
    for it, call_id in zip(made, _ids(made), strict=True):
        call = said[it.message].calls[it.position]
        calls[it.message].append(_PairedCall(call, call_id, result_of.get(id(it))))
    return calls, set(result_of.values())


def _ids(calls: Sequence[Call]) -> Iterator[str]:
    """Yields the calls' ids; for one that is invalid or used twice, one made of its position.

    The same history has the same ids each time, so that the provider's prompt cache is used.
    """
    used = {it.given for it in calls}
    seen: set[str] = set()
    for at, it in enumerate(calls):
        call_id = it.given or ""
        if not VALID_ID.fullmatch(call_id) or call_id in seen:
            call_id = next(name for name in _made_ids(at) if name not in used | seen)
        seen.add(call_id)
        yield call_id


def _made_ids(at: int) -> Iterator[str]:
    name = f"call_{at}"
    while True:
        yield name
        name += "_"


def _add_answer(turns: list[Turn], message: Message, calls: Sequence[_PairedCall]) -> None:
    blocks = [*part_blocks(message), *(_call_block(it) for it in calls)]
    if turns and turns[-1][0] == "assistant":
        turns[-1][1].extend(blocks)
    elif blocks:
        turns.append(("assistant", blocks))


def _call_block(it: _PairedCall) -> Block:
    name = PREFIX + OTHER_CHARACTERS.sub("_", it.call.name)
    return {"type": "tool_use", "id": it.id, "name": name, "input": _input(it.call.arguments)}


def _input(arguments: str) -> object:
    """Returns the arguments as an object, which the API requires; other text in its `input`."""
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"input": arguments}


def _result_of(it: _PairedCall, said: Sequence[Message]) -> Block:
    return missing_result(it.id) if it.result is None else result_block(it.id, said[it.result])


def _text(text: str) -> Block:
    return {"type": "text", "text": text}
