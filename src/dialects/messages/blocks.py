"""Parses the blocks of messages: texts, images, documents, calls of tools and their results."""

from collections.abc import Iterator, Mapping, Sequence

from modegate.dialects.json import encode
from modegate.dialects.messages.media import MEDIA, media_parts
from modegate.dialects.messages.told_blocks import TOLD, told_part
from modegate.domain.conversation.message import Message, Part, Role, TextPart, ToolCall
from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.errors.catalogue import media as errors_of_media
from modegate.domain.errors.catalogue import messages as errors
from modegate.domain.media.policy import MediaPolicy

# What a user's message holds: texts and media, and results as messages of their own.
Blocks = Sequence[Part | Message]

THINKING = frozenset({"thinking", "redacted_thinking"})
SHOWN_BLOCKS = ("text", "image", "document", "search_result")
RESULT_BLOCKS = (*SHOWN_BLOCKS, "tool_reference")
USER_BLOCKS = (*SHOWN_BLOCKS, "tool_result")
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


def parse_blocks(raw: object, where: str, media: MediaPolicy) -> Blocks:
    """Returns the texts, the images and documents, and the results of a user's message.

    Raises:
        RequestError: if a block is invalid, or cannot be handled.
    """
    return [part for it, at in _each(raw, where) for part in _of_user(it, at, media)]


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


def _of_user(block: object, where: str, media: MediaPolicy) -> Iterator[Part | Message]:
    if isinstance(block, Mapping) and block.get("type") == "tool_result":
        yield _result(block, where, media)
    else:
        yield from _parts(block, where, USER_BLOCKS, media)


def _parts(block: object, where: str, known: Sequence[str], media: MediaPolicy) -> Iterator[Part]:
    kind = block.get("type") if isinstance(block, Mapping) else None
    if isinstance(block, Mapping) and isinstance(kind, str) and kind in MEDIA:
        yield from media_parts(block, where, media)
    elif isinstance(block, Mapping) and isinstance(kind, str) and kind in TOLD and kind in known:
        yield told_part(block, where)
    else:
        yield _text(block, where, known)


def _text(block: object, where: str, known: Sequence[str]) -> TextPart:
    if isinstance(block, Mapping):
        kind = block.get("type")
        if isinstance(kind, str) and kind in MEDIA:
            raise errors_of_media.wrong_role(where)
        text = block.get("text") if kind == "text" else None
        if isinstance(text, str):
            return TextPart(text)
        if kind == "text":
            raise parameters.wrong_type(f"{where}.text", "a string")
    raise dialects.unknown_kind(where, known)


def _result(block: Mapping[str, object], where: str, media: MediaPolicy) -> Message:
    call_id = block.get("tool_use_id")
    if not isinstance(call_id, str) or not call_id:
        raise parameters.wrong_type(f"{where}.tool_use_id", "the id of a tool_use block")
    content, at = block.get("content"), f"{where}.content"
    found = [
        part
        for it, place in (() if content is None else _each(content, at))
        for part in _parts(it, place, RESULT_BLOCKS, media)
    ]
    parts = tuple(it for it in found if not isinstance(it, TextPart) or it.text)
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
