"""What Claude Code is told: a system prompt and one text."""

from dataclasses import dataclass

from modegate.domain.characters import whole
from modegate.domain.conversation import Conversation, Message, Role

SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})
LABELS = {
    Role.USER: "User",
    Role.ASSISTANT: "Assistant",
    Role.TOOL: "Tool",
    Role.FUNCTION: "Tool",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """`system` is empty where the client gave none; `text` never is. Both can be written as UTF-8."""

    system: str
    text: str


def build_prompt(conversation: Conversation, *, resume: bool) -> Prompt:
    """Join what a new conversation needs, or what a resumed one does not know yet.

    All system and developer messages are the system prompt. A new conversation gets every other
    message once: a single one as it is, several with labels. A resumed one already holds what came
    before, and gets the last message of the user alone.
    """
    turns = [message for message in conversation.messages if message.role not in SYSTEM_ROLES]
    system = "\n\n".join(
        message.text for message in conversation.messages if message.role in SYSTEM_ROLES
    )
    return Prompt(whole(system), whole(_last_of_user(turns) if resume else _all(turns)))


def _last_of_user(turns: list[Message]) -> str:
    return next(turn.text for turn in reversed(turns) if turn.role is Role.USER)


def _all(turns: list[Message]) -> str:
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"{LABELS[turn.role]}: {turn.text}" for turn in turns if turn.text)
