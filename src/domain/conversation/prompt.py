"""The prompt for Claude Code: a system prompt and one user text."""

from dataclasses import dataclass

from modegate.domain.conversation.conversation import Conversation, Message, Role
from modegate.domain.text import replace_lone_surrogates

SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})
LABELS = {
    Role.USER: "User",
    Role.ASSISTANT: "Assistant",
    Role.TOOL: "Tool",
    Role.FUNCTION: "Tool",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that can be encoded as UTF-8. `system` may be empty; `text` is never empty."""

    system: str
    text: str


def build_prompt(conversation: Conversation, *, resume: bool) -> Prompt:
    """Returns the prompt for a new conversation, or for the next turn of a resumed one.

    All system and developer messages form the system prompt. A new conversation gets every other
    message once: a single message unchanged, several with role labels. A resumed conversation
    already holds the earlier messages, so it gets only the last user message.
    """
    turns = [message for message in conversation.messages if message.role not in SYSTEM_ROLES]
    system = "\n\n".join(
        message.text for message in conversation.messages if message.role in SYSTEM_ROLES
    )
    return Prompt(
        replace_lone_surrogates(system),
        replace_lone_surrogates(_last_of_user(turns) if resume else _all(turns)),
    )


def _last_of_user(turns: list[Message]) -> str:
    return next(turn.text for turn in reversed(turns) if turn.role is Role.USER)


def _all(turns: list[Message]) -> str:
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"{LABELS[turn.role]}: {turn.text}" for turn in turns if turn.text)
