"""Parses the blocks of messages: texts, calls of tools and their results."""

from collections.abc import Iterator, Mapping, Sequence

from modegate.dialects.json import encode
from modegate.domain.conversation.message import Message, Role, TextPart, ToolCall
from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.errors.catalogue import messages as errors

# What a user's message holds: texts, and results as messages of their own.
Blocks = Sequence[TextPart | Message]

MEDIA = frozenset({"image", "document"})
THINKING = frozenset({"thinking", "redacted_thinking"})
USER_BLOCKS = ("text", "tool_result")
ASSISTANT_BLOCKS = ("text", "tool_use", "thinking", "redacted_thinking")


def parse_texts(raw: object, where: str) -> Iterator[str]:
    """Yields the text or the texts of a value that may hold nothing else.

    Raises:
        InvalidRequestError: if it holds something else.
    """
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, list):
        yield from (_text(it, f"{where}[{i}]", ("text",)).text for i, it in enumerate(raw))
    elif raw is not None:
        raise errors.wrong_content(where)


def parse_blocks(raw: object, where: str) -> Blocks:
    """Returns the texts and the results of a user's message.

    Raises:
        RequestError: if a block is invalid, or cannot be handled.
    """
    return [_of_user(it, at) for it, at in _each(raw, where)]


def parse_assistant_blocks(
    raw: object, where: str
) -> tuple[tuple[TextPart, ...], tuple[ToolCall, ...]]:
    """Returns the texts and the calls of an assistant's message; its thinking is left out.

    Raises:
        InvalidRequestError: if a block is invalid.
    """
    texts, calls = [], []
    for block, at in _each(raw, where):
        kind = block.get("type") if isinstance(block, Mapping) else None
        if kind == "tool_use" and isinstance(block, Mapping):
            calls.append(_call(block, at))
        elif not _is_left_out(kind):
            texts.append(_text(block, at, ASSISTANT_BLOCKS))
    return tuple(it for it in texts if it.text), tuple(calls)


def _each(raw: object, where: str) -> Iterator[tuple[object, str]]:
    if isinstance(raw, str):
        yield {"type": "text", "text": raw}, where
    elif isinstance(raw, list):
        yield from ((it, f"{where}[{i}]") for i, it in enumerate(raw))
    else:
        raise errors.wrong_content(where)


def _is_left_out(kind: object) -> bool:
    """Returns whether a block only has a meaning for the API that made it.

    These are thoughts, which are signed, and the tools that Anthropic's servers run.
    """
    return isinstance(kind, str) and (
        kind in THINKING or kind == "server_tool_use" or kind.endswith("_tool_result")
    )


def _of_user(block: object, where: str) -> TextPart | Message:
    if isinstance(block, Mapping) and block.get("type") == "tool_result":
        return _result(block, where)
    return _text(block, where, USER_BLOCKS)


def _text(block: object, where: str, known: Sequence[str]) -> TextPart:
    if isinstance(block, Mapping):
        kind = block.get("type")
        if isinstance(kind, str) and kind in MEDIA:
            raise dialects.unsupported(where, kind)
        text = block.get("text") if kind == "text" else None
        if isinstance(text, str):
            return TextPart(text)
        if kind == "text":
            raise parameters.wrong_type(f"{where}.text", "a string")
    raise dialects.unknown_kind(where, known)


def _result(block: Mapping[str, object], where: str) -> Message:
    call_id = block.get("tool_use_id")
    if not isinstance(call_id, str) or not call_id:
        raise parameters.wrong_type(f"{where}.tool_use_id", "the id of a tool_use block")
    texts = parse_texts(block.get("content"), f"{where}.content")
    parts = tuple(TextPart(it) for it in texts if it)
    return Message(Role.TOOL, parts, call_id=call_id, is_error=block.get("is_error") is True)


def _call(block: Mapping[str, object], where: str) -> ToolCall:
    call_id, name, given = block.get("id"), block.get("name"), block.get("input")
    if not isinstance(call_id, str) or not call_id:
        raise parameters.wrong_type(f"{where}.id", "a string")
    if not isinstance(name, str) or not name:
        raise parameters.wrong_type(f"{where}.name", "a string")
    if not isinstance(given, Mapping):
        raise parameters.wrong_type(f"{where}.input", "an object")
    return ToolCall(call_id, name, encode(given).decode())
