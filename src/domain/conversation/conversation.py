"""Parses the messages of a request: format, limits and text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from modegate.domain.errors.catalogue import messages, parameters
from modegate.domain.parameters.json_patterns import is_empty

MAX_MESSAGES = 100
MAX_MESSAGE_CHARACTERS = 500_000
TEXT_PARTS = ("text", "refusal")
MEDIA_PARTS = frozenset({"image_url", "input_audio", "file"})


class Role(StrEnum):
    """The role of a message's author."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    FUNCTION = "function"  # the role of tools in older clients


MAY_BE_SILENT = frozenset({Role.ASSISTANT, Role.TOOL, Role.FUNCTION})

ROLES = ", ".join(Role)


@dataclass(frozen=True, slots=True)
class Message:
    """One message; its text parts are joined in order."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """1 to 100 messages of at most 500 000 characters each, at least one of them a user's."""

    messages: tuple[Message, ...]

    @classmethod
    def parse(cls, raw: object) -> "Conversation":
        """Parses the field `messages`.

        Raises:
            MissingParameterError: if the field or a part of a message is absent.
            InvalidRequestError: if a value is invalid; `param` names it: `messages[2].content`.
            UnsupportedParameterError: if a part is not text.
        """
        if raw is None:
            raise messages.missing()
        if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_MESSAGES:
            raise messages.no_list(MAX_MESSAGES)
        parsed = tuple(_message(item, f"messages[{i}]") for i, item in enumerate(raw))
        if not any(message.role is Role.USER for message in parsed):
            raise messages.no_user()
        return cls(parsed)


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
        text = "\n".join(filter(None, (*said, *_calls(raw))))
    return Message(role, text)


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


def _calls(message: Mapping[str, object]) -> Iterator[str]:
    """Yields earlier tool calls as text, so that the results after them are understandable."""
    calls = message.get("tool_calls")
    listed = calls if isinstance(calls, list) else ()
    called = [it.get("function") or it.get("custom") for it in listed if isinstance(it, Mapping)]
    for call in (*called, message.get("function_call")):
        if isinstance(call, Mapping) and not is_empty(call):
            arguments = call.get("arguments", call.get("input"))  # custom tools use `input`
            yield f"[called {call.get('name')} with {arguments}]"
