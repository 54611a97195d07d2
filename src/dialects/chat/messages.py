"""Parses the messages of a chat request: format, limits, text, calls and results."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from modegate.dialects.chat.media import MEDIA_PARTS, media_part
from modegate.dialects.parts import joined
from modegate.domain.conversation.conversation import (
    MAX_MESSAGE_CHARACTERS,
    MAX_MESSAGES,
    MAX_STEPS,
    Conversation,
)
from modegate.domain.conversation.message import (
    RESULT_ROLES,
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.errors.catalogue import media as media_errors
from modegate.domain.errors.catalogue import messages, parameters, tools
from modegate.domain.media.parts import check_total
from modegate.domain.media.policy import DEFAULT_MEDIA, MediaPolicy
from modegate.domain.parameters.json_patterns import is_empty
from modegate.domain.tools.free_text import as_arguments

TEXT_PARTS = ("text", "refusal")
SHOWN_ROLES = frozenset({Role.USER, Role.TOOL, Role.FUNCTION})
MAY_BE_SILENT = frozenset({Role.ASSISTANT, Role.TOOL, Role.FUNCTION})
ROLES = ", ".join(Role)
STEP_ROLES = ("tool", "function")


def parse_messages(raw: object, media: MediaPolicy = DEFAULT_MEDIA) -> Conversation:
    """Parses the field `messages`; `media` bounds images and files.

    Raises:
        MissingParameterError: if the field or a part of a message is absent.
        InvalidRequestError: if a value is invalid; `param` names it: `messages[2].content`.
        PayloadTooLargeError: if all images and files together are too large.
        UnsupportedParameterError: if a part is of a kind that Claude Code cannot take.
    """
    if raw is None:
        raise messages.missing()
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_MESSAGES + MAX_STEPS:
        raise messages.no_list(MAX_MESSAGES)
    if sum(not _is_step(item) for item in raw) > MAX_MESSAGES:
        raise messages.no_list(MAX_MESSAGES)
    parsed = tuple(_message(item, f"messages[{i}]", media) for i, item in enumerate(raw))
    # A client that continues a session may send nothing but the results of tools.
    if not (any(message.role is Role.USER for message in parsed) or parsed[-1].is_result):
        raise messages.no_user()
    check_total(parsed, media)
    return Conversation(parsed)


def _is_step(raw: object) -> bool:
    """Returns whether a message is a step of an agent: calls of tools, or the result of one."""
    return isinstance(raw, Mapping) and (
        raw.get("role") in STEP_ROLES or bool(raw.get("tool_calls") or raw.get("function_call"))
    )


def _message(raw: object, where: str, media: MediaPolicy) -> Message:
    if not isinstance(raw, Mapping):
        raise messages.no_object(where)
    if "role" not in raw:
        raise messages.no_role(where, ROLES)
    try:
        role = Role(raw["role"])
    except ValueError:
        raise messages.unknown_role(where, ROLES) from None
    parts = joined(_parts(raw.get("content"), role, f"{where}.content", media))
    message = Message(role, parts)
    if len(message.text) > MAX_MESSAGE_CHARACTERS:
        raise messages.too_long(where, MAX_MESSAGE_CHARACTERS)
    if role is Role.USER and not message.has_media and not message.text.strip():
        raise messages.empty(where)
    if role is Role.ASSISTANT:
        refusal = raw.get("refusal")
        said = (message.text, refusal if isinstance(refusal, str) else "")
        return replace(
            text_message(role, "\n".join(filter(None, said))), calls=tuple(_calls(raw, where))
        )
    if role in RESULT_ROLES:
        call_id = _string(raw.get("tool_call_id"), f"{where}.tool_call_id")
        name = _string(raw.get("name"), f"{where}.name")
        return replace(message, call_id=call_id, name=name)
    return message


def _parts(content: object, role: Role, where: str, media: MediaPolicy) -> Iterator[Part]:
    if isinstance(content, str):
        yield TextPart(content)
    elif isinstance(content, list):
        for i, part in enumerate(content):
            yield _part(part, role, f"{where}[{i}]", media)
    elif content is not None:
        raise messages.wrong_content(where)
    elif role not in MAY_BE_SILENT:
        raise messages.no_content(where)


def _part(part: object, role: Role, where: str, media: MediaPolicy) -> Part:
    if isinstance(part, Mapping):
        kind = part.get("type")
        if isinstance(kind, str) and kind in MEDIA_PARTS:
            if role not in SHOWN_ROLES:
                raise media_errors.wrong_role(f"{where}.{kind}")
            return media_part(kind, part.get(kind), f"{where}.{kind}", media)
        text = part.get(kind) if kind in TEXT_PARTS else None
        if isinstance(text, str):
            return TextPart(text)
    raise messages.no_text_part(where)


def _calls(message: Mapping[str, object], where: str) -> Iterator[ToolCall]:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        if not is_empty(calls):
            raise tools.no_list(f"{where}.tool_calls")
        calls = []
    for i, call in enumerate(calls):
        yield from _call(call, f"{where}.tool_calls[{i}]")
    older, where = message.get("function_call"), f"{where}.function_call"
    if not is_empty(older):
        yield _function(older, "", where)


def _call(raw: object, where: str) -> Iterator[ToolCall]:
    if is_empty(raw):
        return
    if not isinstance(raw, Mapping):
        raise tools.no_object(where)
    call_id = _string(raw.get("id"), f"{where}.id") or ""
    if not is_empty(custom := raw.get("custom")):
        yield _custom(custom, call_id, f"{where}.custom")
    elif not is_empty(function := raw.get("function")):
        yield _function(function, call_id, f"{where}.function")


def _function(raw: object, call_id: str, where: str) -> ToolCall:
    name = _name(raw, where)
    arguments = raw.get("arguments") if isinstance(raw, Mapping) else None
    return ToolCall(call_id, name, _string(arguments, f"{where}.arguments") or "")


def _custom(raw: object, call_id: str, where: str) -> ToolCall:
    name = _name(raw, where)
    text = raw.get("input") if isinstance(raw, Mapping) else None
    return ToolCall(call_id, name, as_arguments(_string(text, f"{where}.input") or ""))


def _name(raw: object, where: str) -> str:
    if not isinstance(raw, Mapping):
        raise tools.no_object(where)
    name = _string(raw.get("name"), f"{where}.name")
    if not name:
        raise tools.no_name(f"{where}.name")
    return name


def _string(value: object, where: str) -> str | None:
    """Returns a string or None.

    Raises:
        InvalidRequestError: if it is anything else.
    """
    if isinstance(value, str | None):
        return value
    raise parameters.wrong_type(where, "a string")
