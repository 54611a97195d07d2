"""Parses the conversation of a request for a response: `instructions` and `input`."""

from collections.abc import Iterator, Mapping

from modegate.dialects.json import encode
from modegate.dialects.parts import joined
from modegate.dialects.responses.media import MEDIA, media_part
from modegate.dialects.responses.open_answer import OpenAnswer
from modegate.dialects.responses.tools import INPUT, flat_name
from modegate.domain.conversation.conversation import (
    MAX_MESSAGE_CHARACTERS,
    MAX_STEPS,
    Conversation,
)
from modegate.domain.conversation.message import (
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.errors.catalogue import media as media_errors
from modegate.domain.errors.catalogue import messages as errors
from modegate.domain.media.parts import check_total
from modegate.domain.media.policy import DEFAULT_MEDIA, MediaPolicy

ROLES = (Role.USER, Role.ASSISTANT, Role.SYSTEM, Role.DEVELOPER)
TEXTS = ("input_text", "output_text", "text", "refusal")
CALLS = ("function_call", "custom_tool_call")
RESULTS = ("function_call_output", "custom_tool_call_output")
ITEMS = ("message", *CALLS, *RESULTS, "reasoning")
# What the provider's servers did: their items end so.
HOSTED = ("_call", "_call_output", "_list_tools", "_approval_request", "_approval_response")


def parse_conversation(
    params: Mapping[str, object], media: MediaPolicy = DEFAULT_MEDIA
) -> Conversation:
    """Parses the fields `instructions` and `input`; `media` bounds images and files.

    Raises:
        MissingParameterError: if `input`, or a part of an item, is absent.
        InvalidRequestError: if a value is invalid; `param` names it: `input[2].content`.
        PayloadTooLargeError: if all images and files together are too large.
        UnsupportedParameterError: if an item or a part cannot be handled.
    """
    instructions, raw = params.get("instructions"), params.get("input")
    if not isinstance(instructions, str | None):
        raise parameters.wrong_type("instructions", "a string")
    if raw is None:
        raise dialects.missing("input", "a text or a list of items")
    said = list(_messages(raw, media))
    check_total(said, media)
    continues = params.get("previous_response_id") is not None
    if not continues and not any(it.role is Role.USER for it in said):
        raise dialects.no_user("input")
    if instructions:
        said.insert(0, _checked(text_message(Role.SYSTEM, instructions), "instructions"))
    return Conversation(tuple(said))


def _messages(raw: object, media: MediaPolicy) -> Iterator[Message]:
    """Yields the messages; calls belong to the message of the assistant before them."""
    if isinstance(raw, str):
        raw = [{"role": "user", "content": raw}]
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_STEPS:
        raise parameters.wrong_type("input", f"a text or a list of 1 to {MAX_STEPS} items")
    answer = OpenAnswer()
    for i, item in enumerate(raw):
        where = f"input[{i}]"
        if not isinstance(item, Mapping):
            raise dialects.unknown_kind(where, ITEMS)
        kind = item.get("type", "message")
        if kind in CALLS:
            answer.add_call(_call(item, where))
        elif kind == "reasoning":
            yield from answer.add_reasoning(item)
        elif kind in RESULTS:
            yield from answer.add(_result(item, where, media))
        elif not _is_hosted(kind):
            yield from answer.add(_message(item, kind, where, media))
    yield from answer.end()


def _is_hosted(kind: object) -> bool:
    return isinstance(kind, str) and kind not in RESULTS and kind.endswith(HOSTED)


def _message(item: Mapping[str, object], kind: object, where: str, media: MediaPolicy) -> Message:
    if kind != "message":
        raise dialects.unknown_kind(where, ITEMS)
    if "role" not in item:
        raise errors.no_role(where, ", ".join(ROLES))
    if item["role"] not in ROLES:
        raise errors.unknown_role(where, ", ".join(ROLES))
    role = Role(str(item["role"]))
    shown = media if role is Role.USER else None
    message = Message(role, _parts(item.get("content"), f"{where}.content", shown))
    if role is Role.USER and not message.has_media and not message.text.strip():
        raise errors.empty(where)
    return _checked(message, where)


def _parts(raw: object, where: str, media: MediaPolicy | None) -> tuple[Part, ...]:
    """Returns the parts of a content; without `media` it must not have images and files."""
    if isinstance(raw, str):
        raw = [{"type": "text", "text": raw}]
    if raw is None:
        raise errors.no_content(where)
    if not isinstance(raw, list):
        raise errors.wrong_content(where)
    return joined(_part(it, f"{where}[{i}]", media) for i, it in enumerate(raw))


def _part(part: object, where: str, media: MediaPolicy | None) -> Part:
    if isinstance(part, Mapping):
        kind = part.get("type")
        if isinstance(kind, str) and kind in MEDIA:
            if media is None:
                raise media_errors.wrong_role(where)
            return media_part(part, where, media)
        text = part.get("refusal" if kind == "refusal" else "text")
        if kind in TEXTS and isinstance(text, str):
            return TextPart(text)
    raise dialects.unknown_kind(where, TEXTS)


def _call(item: Mapping[str, object], where: str) -> ToolCall:
    call_id, name, namespace = item.get("call_id"), item.get("name"), item.get("namespace")
    if not isinstance(call_id, str) or not call_id:
        raise parameters.wrong_type(f"{where}.call_id", "a string")
    if not isinstance(name, str) or not name:
        raise parameters.wrong_type(f"{where}.name", "a string")
    flat = flat_name(name, namespace if isinstance(namespace, str) else None)
    if item.get("type") == "custom_tool_call":
        return ToolCall(call_id, flat, encode({INPUT: str(item.get("input", ""))}).decode())
    arguments = item.get("arguments")
    if not isinstance(arguments, str):
        raise parameters.wrong_type(f"{where}.arguments", "a string")
    return ToolCall(call_id, flat, arguments)


def _result(item: Mapping[str, object], where: str, media: MediaPolicy) -> Message:
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or not call_id:
        raise parameters.wrong_type(f"{where}.call_id", "the id of a call")
    parts = _parts(item.get("output"), f"{where}.output", media)
    return _checked(Message(Role.TOOL, parts, call_id=call_id), where)


def _checked(message: Message, where: str) -> Message:
    if len(message.text) > MAX_MESSAGE_CHARACTERS:
        raise errors.too_long(where, MAX_MESSAGE_CHARACTERS)
    return message
