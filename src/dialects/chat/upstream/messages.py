"""Encodes a conversation as the field `messages`."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

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
    text_message,
)
from modegate.domain.errors.catalogue import dialects
from modegate.domain.media.kinds import MediaType

Object = dict[str, object]

FAILED = "The tool failed."
SHOWN = "What the tools showed:"
BETWEEN = "\n\n"


def encode_messages(messages: Sequence[Message], *, systems_anywhere: bool = True) -> list[Object]:
    """Returns the messages in the order that the API demands.

    The first system messages are one, because some templates of open models accept only one, and
    that at the beginning. Without `systems_anywhere`, later ones are told by the user. The results of
    calls directly follow their message, so an answer that goes on after calls is one message with
    them. Answers that say nothing are left out. What tools showed comes after the results, because the
    API accepts texts only as results.
    """
    leading = list(takewhile(_is_system, messages))
    encoded: list[Object] = []
    if text := BETWEEN.join(it.text for it in leading if it.text):
        encoded.append({"role": Role.SYSTEM, "content": text})
    rest = _with_whole_answers(messages[len(leading) :])
    at = 0
    while at < len(rest):
        message = rest[at]
        at += 1
        if message.role is not Role.ASSISTANT:
            _add(encoded, message, systems_anywhere=systems_anywhere)
            continue
        if message.calls or message.text.strip():
            encoded.append(_answer(message))
        called = {call.id for call in message.calls}
        following = list(takewhile(_is_no_answer, rest[at:]))
        at += len(following)
        results = [it for it in following if it.is_result and it.call_id in called]
        encoded += _results(results)
        for it in following:
            if it not in results:
                _add(encoded, it, systems_anywhere=systems_anywhere)
    return encoded


def _with_whole_answers(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages, each answer that follows one with calls as a part of that."""
    found: list[Message] = []
    for message in messages:
        last = found[-1] if found else None
        if last is None or not last.calls or message.role is not Role.ASSISTANT:
            found.append(message)
            continue
        text = BETWEEN.join(filter(None, (_said(last), _said(message))))
        calls = (*last.calls, *message.calls)
        found[-1] = replace(text_message(Role.ASSISTANT, text), calls=calls)
    return found


def _said(answer: Message) -> str:
    """Returns the text of an answer; what it says between its calls as paragraphs."""
    if not answer.runs:
        return answer.text
    return BETWEEN.join(it for it in answer.pieces if isinstance(it, str) and it)


def _is_system(message: Message) -> bool:
    return message.role in SYSTEM_ROLES


def _is_no_answer(message: Message) -> bool:
    return message.role is not Role.ASSISTANT


def _add(encoded: list[Object], message: Message, *, systems_anywhere: bool) -> None:
    """Adds a message of a user or the system; a result without its call is what a user says.

    What a user tells in place of the system joins the message before it, if that is a user's text:
    some templates demand that roles alternate.
    """
    content, is_system = _content(message.parts), message.role in SYSTEM_ROLES
    if not content:
        return
    last = encoded[-1] if encoded else {}
    said = last.get("content")
    if not is_system or systems_anywhere:
        encoded.append({"role": Role.SYSTEM if is_system else Role.USER, "content": content})
    elif last.get("role") is Role.USER and isinstance(said, str) and isinstance(content, str):
        last["content"] = f"{said}{BETWEEN}{content}"
    else:
        encoded.append({"role": Role.USER, "content": content})


def _answer(message: Message) -> Object:
    text = _said(message)
    answer: Object = {"role": Role.ASSISTANT, "content": text}
    if message.calls:
        answer["content"] = text or None
        answer["tool_calls"] = [_call(it) for it in message.calls]
    return answer


def _call(call: ToolCall) -> Object:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _results(results: Sequence[Message]) -> Iterator[Object]:
    shown: list[Part] = []
    for result in results:
        text = result.text or (FAILED if result.is_error else "")
        yield {"role": Role.TOOL, "tool_call_id": result.call_id, "content": text}
        shown += [it for it in result.parts if not isinstance(it, TextPart)]
    if shown:
        yield {"role": Role.USER, "content": _content((TextPart(SHOWN), *shown))}


def _content(parts: Sequence[Part]) -> str | list[Object]:
    """Returns a text, or a list of parts if there is an image or a file."""
    if all(isinstance(it, TextPart) for it in parts):
        return "".join(it.text for it in parts if isinstance(it, TextPart))
    return [_part(it) for it in parts]


def _part(part: Part) -> Object:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ImagePart(media_type, data):
            return {"type": "image_url", "image_url": {"url": _data_url(media_type, data)}}
        case LinkedImage(url):
            return {"type": "image_url", "image_url": {"url": url}}
        case FilePart(MediaType.TEXT, data, name):
            text = data.decode("utf-8", "replace")
            return {"type": "text", "text": f"{name}:\n{text}" if name else text}
        case FilePart(media_type, data, name):
            file = {"filename": name or "file.pdf", "file_data": _data_url(media_type, data)}
            return {"type": "file", "file": file}
        case LinkedFile(_, where):
            raise dialects.untranslatable(where)


def _data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
