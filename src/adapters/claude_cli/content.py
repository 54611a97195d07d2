"""The content of messages as blocks of the Anthropic API, which the CLI takes and hands on.

Measured on 2.1.329: `image` and `document` blocks of a user message reach the API.
"""

import base64
from collections.abc import Sequence

from modegate.domain.conversation.message import FilePart, ImagePart, Message, Part, TextPart
from modegate.domain.conversation.prompt import as_text, labelled
from modegate.domain.media.kinds import MediaType

Block = dict[str, object]


def content_of(messages: Sequence[Message]) -> str | list[Block]:
    """Returns the content of one user message: a text, or blocks if there is an image or a file.

    Several messages get role labels, as in `as_text`.
    """
    if not any(message.has_media for message in messages):
        return as_plain_text(as_text(messages))
    return _blocks(labelled(messages))


def blocks_of(message: Message) -> list[Block]:
    """Returns the blocks of one message's parts, in order."""
    return _blocks(message.parts)


def result_content(message: Message) -> list[Block]:
    """Returns the parts of a tool's result as content of MCP.

    MCP has no documents: a text file becomes a text. A PDF could only be a resource, of which the
    CLI shows the model nothing but a path (2.1.329).
    """
    return [_of_mcp(part) for part in message.parts]


def fits_mcp(message: Message) -> bool:
    """Returns whether `result_content` takes the message: it has no PDF."""
    return not any(
        isinstance(it, FilePart) and it.media_type != MediaType.TEXT for it in message.parts
    )


def as_plain_text(text: str) -> str:
    """Prefixes `text` with a newline if the CLI would run it as one of its own commands.

    Measured on 2.1.329: `/cost` at the very start is a command, with all options. After any white
    space it is text.
    """
    return f"\n{text}" if text.startswith("/") else text


def _blocks(parts: Sequence[Part]) -> list[Block]:
    return list(map(_block, parts))


def _block(part: Part) -> Block:
    match part:
        case TextPart(text):
            return {"type": "text", "text": as_plain_text(text)}
        case ImagePart(media_type, data):
            return {"type": "image", "source": _in_base64(media_type, data)}
        case FilePart(MediaType.TEXT, data, name):
            written: Block = {"type": "text", "media_type": "text/plain", "data": data.decode()}
            return {"type": "document", "source": written} | _title(name)
        case FilePart(media_type, data, name):
            return {"type": "document", "source": _in_base64(media_type, data)} | _title(name)
    raise TypeError("a linked image must be fetched before the turn")


def _of_mcp(part: Part) -> Block:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ImagePart(media_type, data):
            return {"type": "image", "mimeType": media_type, "data": _base64(data)}
        case FilePart(MediaType.TEXT, data, name):
            head = f"[File: {name}]\n" if name else ""
            return {"type": "text", "text": head + data.decode()}
    raise TypeError("MCP has no PDF, and a linked image must be fetched before the turn")


def _title(name: str) -> Block:
    return {"title": name} if name else {}


def _in_base64(media_type: str, data: bytes) -> Block:
    return {"type": "base64", "media_type": media_type, "data": _base64(data)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
