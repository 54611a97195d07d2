"""Messages: what each author said, in parts, with calls of tools and their results."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The role of a message's author."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    FUNCTION = "function"  # the role of tools in older clients


SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})
RESULT_ROLES = frozenset({Role.TOOL, Role.FUNCTION})


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of text."""

    text: str


# The kinds of parts that a message may have.
Part = TextPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by the model; `arguments` is the JSON text as the model wrote it.

    `id` is empty in the messages of older clients, which send `function_call`. A call of a custom
    tool has free text as its arguments.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `calls` are the tools that an assistant's message calls.

    `call_id` is the id of the call whose result the message is; `name` is the called function in
    messages of older clients, which have no ids. `is_error` marks a result that reports a failure.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    name: str | None = None
    is_error: bool = False

    @property
    def text(self) -> str:
        """The text parts, joined in order."""
        return "".join(part.text for part in self.parts)

    @property
    def is_result(self) -> bool:
        """Whether the message is the result of a call."""
        return self.role in RESULT_ROLES


def text_message(role: Role, text: str) -> Message:
    """Returns a message of one text; without parts if the text is empty."""
    return Message(role, (TextPart(text),) if text else ())
