"""A conversation, with its bounds."""

from modegate.domain.conversation.message import Message
from modegate.lazy_dataclass import dataclass

MAX_MESSAGES = 100
# Calls of tools and their results; an agent makes many of them for one question.
MAX_STEPS = 5_000
MAX_MESSAGE_CHARACTERS = 500_000


@dataclass(frozen=True, slots=True)
class Conversation:
    """1 to 100 messages of at most 500 000 characters each, at least one of them a user's.

    Calls of tools and their results do not count towards the 100; there are at most 5 000 of them.
    """

    messages: tuple[Message, ...]
