"""The prompt of a turn: the system prompt, what was said before, and what is asked now."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from modegate.lazy_dataclass import dataclass

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

    @property
    def results(self) -> tuple[Message, ...]:
        """The results of tools in the turn."""
        return tuple(it for it in self.turn if it.is_result)

    def with_results(self, results: Sequence[Message]) -> "Prompt":
        """Returns the prompt with other results of tools in its turn, which come first."""
        asked = [it for it in self.turn if not it.is_result]
        return replace(self, turn=(*results, *asked))

    @property
    def asked(self) -> tuple[Message, ...]:
        """What a backend that takes the results of a resumed turn as such is to be told else."""
        return self.said if self.history else tuple(it for it in self.turn if not it.is_result)

    @property
    def is_dialogue(self) -> bool:
        """Whether it has answers or results, and not only what the user says."""
        return any(it.role is not Role.USER for it in self.said)

    @cached_property
    def text(self) -> str:
        """The history and the turn as one text; a dialogue has role labels."""
        return as_text(self.said)

    @property
    def media_bytes(self) -> int:
        """The size of all images and files."""
        return sum(message.media_bytes for message in self.said)


def build_prompt(conversation: Conversation, *, resume: bool) -> Prompt:
    """Returns the prompt for a new conversation, or for the next turn of a resumed one.

    All system and developer messages form the system prompt. The turn is the last user message, or
    the results of tools at the end. A new conversation gets the messages before it as its history,
    and those after it with the turn. A resumed one already holds them. Its turn may also be results
    of tools and the user's messages behind them.
    """
    said = [_encodable(it) for it in conversation.messages if it.role not in SYSTEM_ROLES]
    system = "\n\n".join(it.text for it in conversation.messages if it.role in SYSTEM_ROLES)
    begins = _begin_of_turn(said)
    if resume:
        results = begin_of_results(said)
        last = said[begins : begins + 1] if results is None else said[results:]
        return Prompt(replace_lone_surrogates(system), tuple(last))
    return Prompt(replace_lone_surrogates(system), tuple(said[begins:]), tuple(said[:begins]))


def as_text(messages: Sequence[Message]) -> str:
    """Returns the texts of a user's messages, or messages of several roles with role labels."""
    if len(messages) == 1 or all(it.role is Role.USER for it in messages):
        return "\n\n".join(_told(it) for it in messages)
    told = ((LABELS[message.role], _told(message)) for message in messages)
    return "\n\n".join(f"{label}: {text}" for label, text in told if text)


def labelled(messages: Sequence[Message]) -> tuple[Part, ...]:
    """Returns the parts of all messages in order; those of several messages have role labels."""
    told = [(it.role, (*it.parts, *map(TextPart, _calls(it)))) for it in messages]
    if all(it.role is Role.USER for it in messages):
        return tuple(part for _, parts in told for part in parts)
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
    if at < len(said) and (at == 0 or said[at - 1].calls):
        return at
    users = (i for i, message in enumerate(said) if message.role is Role.USER)
    return max(users, default=len(said) - 1)


def begin_of_results(said: Sequence[Message]) -> int | None:
    """Returns the index of the first result behind the last answer; None if there is none.

    Its calls may be missing: a client that continues a session may leave them out.
    """
    at = len(said)
    while at and (said[at - 1].is_result or said[at - 1].role is Role.USER):
        at -= 1
    return next((i for i in range(at, len(said)) if said[i].is_result), None)


def _told(message: Message) -> str:
    """Returns the text of a message; its calls as text, so that results are understandable."""
    return "\n".join(filter(None, (message.text, *_calls(message))))


def _calls(message: Message) -> Iterator[str]:
    for call in message.calls:
        yield f"[called {call.name} with {call.arguments}]"


def encodable(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Returns messages that can be encoded as UTF-8."""
    return tuple(map(_encodable, messages))


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
