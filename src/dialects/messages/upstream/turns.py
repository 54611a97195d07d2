"""Encodes a conversation as the field `messages`: turns of a user and an assistant."""

import base64
import re
from collections.abc import Iterator, Sequence

from modegate.dialects.messages.response import input_of
from modegate.domain.conversation.message import (
    SYSTEM_ROLES,
    FilePart,
    ImagePart,
    LinkedFile,
    LinkedImage,
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
)
from modegate.domain.conversation.thought import Thought
from modegate.domain.media.kinds import MediaType

Object = dict[str, object]

# The API rejects other ids of calls, and ids that stand twice in a conversation.
VALID_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
BETWEEN = "\n\n"


def encode_system(messages: Sequence[Message]) -> str:
    """Returns the text of all system messages, wherever they stand."""
    texts = (it.text for it in messages if it.role in SYSTEM_ROLES)
    return BETWEEN.join(text for text in texts if text.strip())


def encode_turns(messages: Sequence[Message]) -> list[Object]:
    """Returns what was said in turns; messages of one side in a row are one turn.

    The results of calls stand first in the turn behind them, as the API demands. A result without
    its call is what a user says.
    """
    turns = _Turns()
    for message in messages:
        if message.role is Role.ASSISTANT:
            turns.add_answer(message)
        elif message.role not in SYSTEM_ROLES:
            turns.add_said(message)
    return list(turns.encode())


class _Turns:
    """The turns so far; `_waiting` are the calls of the last answer that have no result yet."""

    def __init__(self) -> None:
        self._turns: list[tuple[Role, list[Object], list[Object]]] = []
        self._waiting: list[tuple[ToolCall, str]] = []
        self._taken: set[str] = set()

    def add_answer(self, message: Message) -> None:
        """Adds what the model thought and said, and its calls; nothing if it said nothing."""
        if not message.text.strip() and not message.calls:
            return
        if not self._turns or self._turns[-1][0] is not Role.ASSISTANT:
            self._waiting = []
        _, said = self._turn(Role.ASSISTANT)
        said += filter(None, map(self._piece, message.pieces))

    def _piece(self, piece: Thought | str | ToolCall) -> Object | None:
        """Returns a block; None for what the API rejects: unsigned thoughts and blank texts."""
        if isinstance(piece, Thought):
            return _thinking(piece) if piece.signature else None
        if isinstance(piece, str):
            return {"type": "text", "text": piece} if piece.strip() else None
        call_id = self._id_of(piece)
        self._waiting.append((piece, call_id))
        arguments = input_of(piece.arguments)
        return {"type": "tool_use", "id": call_id, "name": piece.name, "input": arguments}

    def add_said(self, message: Message) -> None:
        """Adds what a user said, or the result of a call."""
        content = content_of(message.parts)
        call_id = self._called_by(message) if message.is_result else None
        if call_id is not None:
            results, _ = self._turn(Role.USER)
            results.append(_result(message, call_id, content))
        elif content:
            _, said = self._turn(Role.USER)
            said += content

    def encode(self) -> Iterator[Object]:
        """Yields the turns."""
        for role, results, said in self._turns:
            yield {"role": role, "content": [*results, *said]}

    def _turn(self, role: Role) -> tuple[list[Object], list[Object]]:
        """Returns the results and the rest of the last turn, which is one of `role`."""
        if not self._turns or self._turns[-1][0] is not role:
            self._turns.append((role, [], []))
        _, results, said = self._turns[-1]
        return results, said

    def _id_of(self, call: ToolCall) -> str:
        is_usable = VALID_ID.fullmatch(call.id) and call.id not in self._taken
        call_id = call.id if is_usable else f"call_{len(self._taken)}"
        while call_id in self._taken:
            call_id += "_"
        self._taken.add(call_id)
        return call_id

    def _called_by(self, result: Message) -> str | None:
        """Returns the id of a result's call; older clients name only the function."""
        for at, (call, call_id) in enumerate(self._waiting):
            if call.id == result.call_id if result.call_id else call.name == result.name:
                del self._waiting[at]
                return call_id
        return None


def _thinking(thought: Thought) -> Object:
    if thought.is_redacted:
        return {"type": "redacted_thinking", "data": thought.signature}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


def _result(message: Message, call_id: str, content: list[Object]) -> Object:
    result: Object = {"type": "tool_result", "tool_use_id": call_id}
    if content:
        result["content"] = content
    return result | ({"is_error": True} if message.is_error else {})


def content_of(parts: Sequence[Part]) -> list[Object]:
    """Returns the blocks of parts; the API rejects blank texts."""
    return [_block(it) for it in parts if not isinstance(it, TextPart) or it.text.strip()]


def _block(part: Part) -> Object:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ImagePart(media_type, data):
            return {"type": "image", "source": _base64(media_type, data)}
        case LinkedImage(url):
            return {"type": "image", "source": {"type": "url", "url": url}}
        case FilePart(media_type, data, name):
            block: Object = {"type": "document", "source": _document(media_type, data)}
            return block | ({"title": name} if name else {})
        case LinkedFile(url, _, name):
            linked: Object = {"type": "document", "source": {"type": "url", "url": url}}
            return linked | ({"title": name} if name else {})


def _document(media_type: str, data: bytes) -> Object:
    if media_type == MediaType.TEXT:
        text = data.decode("utf-8", "replace")
        return {"type": "text", "media_type": media_type, "data": text}
    return _base64(media_type, data)


def _base64(media_type: str, data: bytes) -> Object:
    encoded = base64.b64encode(data).decode()
    return {"type": "base64", "media_type": media_type, "data": encoded}
