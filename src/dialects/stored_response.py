"""The form in which a kept response is stored: a head of JSON, and the bytes of its images and files.

A change of the form needs a new `VERSION`. Gateways of another version then do not find the value.
What came later is written only where it is needed: the order of an answer, and redacted thoughts.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from io import BytesIO
from typing import Any

from modegate.dialects.stored_frame import frame_row, read_frame
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import (
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
from modegate.domain.conversation.runs import Run, RunKind, Runs
from modegate.domain.conversation.thought import Thought
from modegate.domain.kept_response import KeptResponse
from modegate.domain.parameters.turn_setting import TurnSetting

VERSION = 2
# The version, and a checksum of what follows: the size of the compressed head, the head, the bytes.
PREFIX = struct.Struct(">BI")
SIZE = struct.Struct(">I")
# Conversations shrink to a third at this level, at 100 MB/s.
LEVEL = 1
IMAGE, FILE, IMAGE_URL, FILE_URL = "image", "file", "image_url", "file_url"


def encode_response(response: KeptResponse, most_bytes: int) -> bytes | None:
    """Returns the response as bytes; None if these are too many, or it is nested too deeply."""
    try:
        value = _encode(response)
    except RecursionError:
        return None
    return value if len(value) <= most_bytes else None


def decode_response(value: bytes) -> KeptResponse:
    """Returns the response.

    Raises:
        ValueError: the bytes are damaged, or of another version.
    """
    try:
        version, checksum = PREFIX.unpack_from(value)
        content = memoryview(value)[PREFIX.size :]
        if version != VERSION or zlib.crc32(content) != checksum:
            raise ValueError("damaged, or of another version")
        end = SIZE.size + SIZE.unpack_from(content)[0]
        head: dict[str, Any] = json.loads(zlib.decompress(content[SIZE.size : end]))
        contents = BytesIO(content[end:])
        return KeptResponse(
            head["id"],
            ClientId(head["client"]),
            read_frame(head["frame"]),
            _read_completion(head["completion"]),
            tuple(_read_message(it, contents) for it in head["messages"]),
        )
    except (AttributeError, LookupError, TypeError, struct.error, zlib.error) as error:
        raise ValueError("not a stored response") from error


def _encode(response: KeptResponse) -> bytes:
    head = {
        "id": response.id,
        "client": response.client,
        "frame": frame_row(response.frame),
        "completion": _completion(response.completion),
        "messages": [_message(it) for it in response.messages],
    }
    packed = zlib.compress(json.dumps(head, separators=(",", ":")).encode(), LEVEL)
    content = b"".join((SIZE.pack(len(packed)), packed, *_contents(response.messages)))
    return PREFIX.pack(VERSION, zlib.crc32(content)) + content


def _contents(messages: tuple[Message, ...]) -> Iterator[bytes]:
    for message in messages:
        for part in message.parts:
            if isinstance(part, ImagePart | FilePart):
                yield part.data


def _message(message: Message) -> list[object]:
    parts = [_part(it) for it in message.parts]
    calls = [_call(it) for it in message.calls]
    said: list[object] = [message.role, parts, calls, message.call_id, message.name]
    row = [*said, message.is_error, [_thought(it) for it in message.thoughts]]
    return [*row, _runs(message.runs)] if message.runs else row


def _part(part: Part) -> object:
    match part:
        case TextPart(text):
            return text
        case ImagePart(media_type, data):
            return [IMAGE, media_type, len(data)]
        case FilePart(media_type, data, name):
            return [FILE, media_type, len(data), name]
        case LinkedImage(url, where):
            return [IMAGE_URL, url, where]
        case LinkedFile(url, where, name):
            return [FILE_URL, url, where, name]


def _call(call: ToolCall) -> list[str]:
    return [call.id, call.name, call.arguments]


def _thought(thought: Thought) -> list[object]:
    row: list[object] = [thought.text, thought.signature, thought.origin, thought.sealed]
    return [*row, True] if thought.is_redacted else row


def _runs(runs: Runs) -> list[object]:
    return [[it.kind, it.size] for it in runs]


def _completion(completion: Completion) -> dict[str, object]:
    return {
        "text": completion.text,
        "finish_reason": completion.finish_reason,
        "usage": asdict(completion.usage),
        "cli_session_id": completion.cli_session_id,
        "reasoning": completion.reasoning,
        "calls": [_call(it) for it in completion.calls],
        "ignored": [it.name for it in completion.ignored],
        "thoughts": [_thought(it) for it in completion.thoughts],
        "stop_text": completion.stop_text,
    } | ({"runs": _runs(completion.runs)} if completion.runs else {})


def _read_message(row: list[Any], contents: BytesIO) -> Message:
    role, parts, calls, call_id, name, is_error, thoughts, *runs = row
    return Message(
        Role(role),
        tuple(_read_part(it, contents) for it in parts),
        tuple(ToolCall(*it) for it in calls),
        call_id,
        name,
        is_error,
        tuple(Thought(*it) for it in thoughts),
        _read_runs(*runs),
    )


def _read_runs(rows: list[Any] | None = None) -> Runs:
    return tuple(Run(RunKind(kind), size) for kind, size in rows or ())


def _read_part(part: str | list[Any], contents: BytesIO) -> Part:
    if isinstance(part, str):
        return TextPart(part)
    kind, *fields = part
    match kind:
        case "image":
            return ImagePart(fields[0], contents.read(fields[1]))
        case "file":
            return FilePart(fields[0], contents.read(fields[1]), fields[2])
        case "image_url":
            return LinkedImage(*fields)
        case "file_url":
            return LinkedFile(*fields)
        case _:
            raise ValueError("a part of an unknown kind")


def _read_completion(row: dict[str, Any]) -> Completion:
    return Completion(
        **row
        | {
            "finish_reason": FinishReason(row["finish_reason"]),
            "usage": Usage(**row["usage"]),
            "calls": tuple(ToolCall(*it) for it in row["calls"]),
            "thoughts": tuple(Thought(*it) for it in row["thoughts"]),
            "ignored": tuple(TurnSetting[it] for it in row["ignored"]),
            "runs": _read_runs(row.get("runs")),
        }
    )
