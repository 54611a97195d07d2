"""Parses the messages of a chat request: format, limits, text, calls and results."""

from collections.abc import Iterator, Mapping

from modegate.domain.conversation.conversation import (
    MAX_MESSAGE_CHARACTERS,
    MAX_MESSAGES,
    MAX_STEPS,
    Conversation,
)
from modegate.domain.conversation.message import Message, Part, Role, TextPart, ToolCall
from modegate.domain.errors.catalogue import messages, parameters
from modegate.domain.parameters.json_patterns import is_empty

TEXT_PARTS = ("text", "refusal")
MEDIA_PARTS = frozenset({"image_url", "input_audio", "file"})
MAY_BE_SILENT = frozenset({Role.ASSISTANT, Role.TOOL, Role.FUNCTION})
ROLES = ", ".join(Role)
STEP_ROLES = ("tool", "function")


def parse_messages(raw: object) -> Conversation:
    """Parses the field `messages`.

    Raises:
        MissingParameterError: if the field or a part of a message is absent.
        InvalidRequestError: if a value is invalid; `param` names it: `messages[2].content`.
        UnsupportedParameterError: if a part is not text.
    """
    if raw is None:
        raise messages.missing()
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_MESSAGES + MAX_STEPS:
        raise messages.no_list(MAX_MESSAGES)
    if sum(not _is_step(item) for item in raw) > MAX_MESSAGES:
        raise messages.no_list(MAX_MESSAGES)
    parsed = tuple(_message(item, f"messages[{i}]") for i, item in enumerate(raw))
    if not any(message.role is Role.USER for message in parsed):
        raise messages.no_user()
    return Conversation(parsed)


def _is_step(raw: object) -> bool:
    """Returns whether a message is a step of an agent: calls of tools, or the result of one."""
    return isinstance(raw, Mapping) and (
        raw.get("role") in STEP_ROLES or bool(raw.get("tool_calls") or raw.get("function_call"))
    )


def _message(raw: object, where: str) -> Message:
    if not isinstance(raw, Mapping):
        raise messages.no_object(where)
    if "role" not in raw:
        raise messages.no_role(where, ROLES)
    try:
        role = Role(raw["role"])
    except ValueError:
        raise messages.unknown_role(where, ROLES) from None
    text = _text(raw.get("content"), role, f"{where}.content")
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise messages.too_long(where, MAX_MESSAGE_CHARACTERS)
    if role is Role.USER and not text.strip():
        raise messages.empty(where)
    if role is Role.ASSISTANT:
        refusal = raw.get("refusal")
        said = (text, refusal if isinstance(refusal, str) else "")
        return Message(role, _parts("\n".join(filter(None, said))), tuple(_calls(raw)))
    if role in {Role.TOOL, Role.FUNCTION}:
        ids = _string(raw.get("tool_call_id")), _string(raw.get("name"))
        return Message(role, _parts(text), (), *ids)
    return Message(role, _parts(text))


def _parts(text: str) -> tuple[Part, ...]:
    return (TextPart(text),) if text else ()


def _text(content: object, role: Role, where: str) -> str:
    if isinstance(content, str):
        return content
    if content is None and role in MAY_BE_SILENT:
        return ""
    if isinstance(content, list):
        return "".join(_part(part, f"{where}[{i}]") for i, part in enumerate(content))
    if content is None:
        raise messages.no_content(where)
    raise messages.wrong_content(where)


def _part(part: object, where: str) -> str:
    if isinstance(part, Mapping):
        kind = part.get("type")
        if isinstance(kind, str) and kind in MEDIA_PARTS:
            raise parameters.unsupported(f"{where}.{kind}")
        text = part.get(kind) if kind in TEXT_PARTS else None
        if isinstance(text, str):
            return text
    raise messages.no_text_part(where)


def _calls(message: Mapping[str, object]) -> Iterator[ToolCall]:
    calls = message.get("tool_calls")
    for it in calls if isinstance(calls, list) else ():
        if isinstance(it, Mapping):
            yield from _call(it.get("function") or it.get("custom"), it.get("id"))
    yield from _call(message.get("function_call"), None)


def _call(call: object, call_id: object) -> Iterator[ToolCall]:
    if isinstance(call, Mapping) and not is_empty(call):
        arguments = call.get("arguments", call.get("input"))  # custom tools use `input`
        yield ToolCall(_string(call_id) or "", str(call.get("name")), str(arguments))


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
