"""A response that is kept, so that its client can continue or read it."""

from dataclasses import dataclass, field

from modegate.domain.access.client import ClientId
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.conversation.message import FilePart, ImagePart, Message
from modegate.domain.routing.mode import Mode


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """A complete answer of one client.

    `messages` are the conversation up to and with the answer, without system messages.
    """

    id: str
    client: ClientId
    frame: AnswerFrame = field(repr=False)
    completion: Completion = field(repr=False)
    messages: tuple[Message, ...] = field(repr=False)

    @property
    def mode(self) -> Mode:
        """The mode in which it was answered; only Claude Code has sessions."""
        return Mode.PASSTHROUGH if self.frame.session_id is None else Mode.CLAUDE_CODE

    @property
    def characters(self) -> int:
        """The size of the conversation; a byte of an image or a file counts as a character."""
        return sum(_size(it) for it in self.messages)


def _size(message: Message) -> int:
    data = sum(len(it.data) for it in message.parts if isinstance(it, ImagePart | FilePart))
    return len(message.text) + data + sum(len(call.arguments) for call in message.calls)
