"""The prompt of a turn: the system prompt, what was said before, and what is asked now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import (
    SYSTEM_ROLES,
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.text import replace_lone_surrogates

LABELS = {
    Role.USER: "User",
    Role.ASSISTANT: "Assistant",
    Role.TOOL: "Tool",
    Role.FUNCTION: "Tool",
}


@dataclass(frozen=True)  # without slots: `text` is cached
class Prompt:
    """A prompt that can be encoded as UTF-8. `system` may be empty; `turn` is never empty.

    `turn` is what the client asks now: a user's message, or the results of tools. `history` are
    the messages before it that the backend does not know yet; empty where it keeps them itself.
    """

    system: str
    turn: tuple[Message, ...]
    history: tuple[Message, ...] = ()

    @classmethod
    def of_text(cls, text: str, system: str = "") -> "Prompt":
        """Returns the prompt of a user's text."""
        return cls(system, (text_message(Role.USER, text),))

    @property
    def said(self) -> tuple[Message, ...]:
        """The history and the turn."""
        return (*self.history, *self.turn)

    @cached_property
    def text(self) -> str:
        """The history and the turn as one text; several messages have role labels."""
        return as_text(self.said)

    @property
    def media_bytes(self) -> int:
        """The size of all images and files."""
        return sum(message.media_bytes for message in self.said)


def build_prompt(conversation: Conversation, *, resume: bool) -> Prompt:
    """Returns the prompt for a new conversation, or for the next turn of a resumed one.

    All system and developer messages form the system prompt. The turn is the last user message, or
    the results of tools at the end. A new conversation gets the messages before it as its history,
    and those after it with the turn. A resumed one already holds them.
    """
    said = [_encodable(it) for it in conversation.messages if it.role not in SYSTEM_ROLES]
    system = "\n\n".join(it.text for it in conversation.messages if it.role in SYSTEM_ROLES)
    begins = _begin_of_turn(said)
    if resume:
        last = said[begins:] if said[-1].is_result else said[begins : begins + 1]
        return Prompt(replace_lone_surrogates(system), tuple(last))
    return Prompt(replace_lone_surrogates(system), tuple(said[begins:]), tuple(said[:begins]))


def as_text(messages: Sequence[Message]) -> str:
    """Returns one message's text unchanged, and several with role labels."""
    if len(messages) == 1:
        return _told(messages[0])
    told = ((LABELS[message.role], _told(message)) for message in messages)
    return "\n\n".join(f"{label}: {text}" for label, text in told if text)


def labelled(messages: Sequence[Message]) -> tuple[Part, ...]:
    """Returns the parts of all messages in order; those of several messages have role labels."""
    told = [(it.role, (*it.parts, *map(TextPart, _calls(it)))) for it in messages]
    if len(told) == 1:
        return told[0][1]
    found: list[Part] = []
    for role, parts in told:
        if parts:
            label = f"\n\n{LABELS[role]}:" if found else f"{LABELS[role]}:"
            found += _after(label, parts)
    return tuple(found)


def _after(label: str, parts: Sequence[Part]) -> Iterator[Part]:
    first, *rest = parts
    if isinstance(first, TextPart):
        yield TextPart(f"{label} {first.text}")
    else:
        yield TextPart(label)
        yield first
    yield from rest


def _begin_of_turn(said: Sequence[Message]) -> int:
    """Returns the index of the first result at the end, or else of the last user message."""
    at = len(said)
    while at and said[at - 1].is_result:
        at -= 1
    if at < len(said) and at and said[at - 1].role is Role.ASSISTANT and said[at - 1].calls:
        return at
    return max(i for i, message in enumerate(said) if message.role is Role.USER)


def _told(message: Message) -> str:
    """Returns the text of a message; its calls as text, so that results are understandable."""
    return "\n".join(filter(None, (message.text, *_calls(message))))


def _calls(message: Message) -> Iterator[str]:
    for call in message.calls:
        yield f"[called {call.name} with {call.arguments}]"


def _encodable(message: Message) -> Message:
    parts = tuple(
        TextPart(replace_lone_surrogates(part.text)) if isinstance(part, TextPart) else part
        for part in message.parts
    )
    calls = tuple(
        ToolCall(*map(replace_lone_surrogates, (call.id, call.name, call.arguments)))
        for call in message.calls
    )
    return replace(message, parts=parts, calls=calls)
