"""A response that is kept, so that its client can continue or read it."""

import re
from dataclasses import field

from modegate.domain.access.client import ClientId
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.conversation.message import FilePart, ImagePart, Message
from modegate.domain.routing.mode import Mode
from modegate.lazy_dataclass import dataclass

# The ids that the gateway gives. Others are of no kept response, and no part of a key of a store.
ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def is_response_id(text: str) -> bool:
    """Returns whether a kept response may have this id."""
    return ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLimits:
    """The time to live in seconds, and the most responses and bytes that are kept.

    A response of more than `response_bytes` is not kept. In memory, a character counts as a byte.
    """

    lifetime_s: float = 24 * 3600.0
    response_bytes: int = 32_000_000
    of_client: int = 200
    client_bytes: int = 64_000_000
    in_all: int = 5_000
    all_bytes: int = 256_000_000


DEFAULT_LIMITS = ResponseLimits()


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
    thoughts = sum(len(it.text) + len(it.signature) + len(it.sealed) for it in message.thoughts)
    return len(message.text) + data + thoughts + sum(len(it.arguments) for it in message.calls)
