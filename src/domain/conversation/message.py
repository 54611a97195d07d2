"""Messages: what each author said, in parts, with calls of tools and their results."""

from collections.abc import Iterator
from dataclasses import field
from enum import StrEnum

from modegate.domain.conversation.runs import Runs, in_order
from modegate.domain.conversation.thought import Thought
from modegate.lazy_dataclass import dataclass


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


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image; `media_type` is that of its bytes, such as `image/png`."""

    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FilePart:
    """A PDF or a text in UTF-8; `name` is the client's name of the file, or empty."""

    media_type: str
    data: bytes = field(repr=False)
    name: str = ""


@dataclass(frozen=True, slots=True)
class LinkedImage:
    """An image at a URL, which is fetched before the turn. `where` is the path to the part."""

    url: str = field(repr=False)
    where: str


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A PDF or a text at a URL, which is fetched before the turn; `where` is the path to the part."""

    url: str = field(repr=False)
    where: str
    name: str = ""


Linked = LinkedImage | LinkedFile
# The kinds of parts that a message may have. No backend gets one that is linked.
Part = TextPart | ImagePart | FilePart | Linked


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by the model; `arguments` is the JSON text as the model wrote it.

    `id` is empty in the messages of older clients, which send `function_call`. A call of a custom
    tool has its text as the argument `input`.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `calls` are the tools that an assistant's message calls.

    `thoughts` are what the model thought; they are no part of what was said. They come before the
    texts and the calls, unless `runs` have another order.

    `call_id` is the id of the call whose result the message is; `name` is the called function in
    messages of older clients, which have no ids. `is_error` marks a result that reports a failure.
    """

    role: Role
    parts: tuple[Part, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    name: str | None = None
    is_error: bool = False
    thoughts: tuple[Thought, ...] = ()
    runs: Runs = ()

    @property
    def pieces(self) -> Iterator[Thought | str | ToolCall]:
        """The thoughts, the texts and the calls of an answer in their order."""
        texts = [it.text for it in self.parts if isinstance(it, TextPart)]
        return in_order(self.runs, self.thoughts, texts, self.calls)

    @property
    def text(self) -> str:
        """The text parts, joined in order."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def has_media(self) -> bool:
        """Whether a part is an image or a file."""
        return any(not isinstance(part, TextPart) for part in self.parts)

    @property
    def links(self) -> tuple[Linked, ...]:
        """The images and files that are to be fetched."""
        return tuple(it for it in self.parts if isinstance(it, Linked))

    @property
    def media_bytes(self) -> int:
        """The size of its images and files."""
        return sum(len(it.data) for it in self.parts if isinstance(it, ImagePart | FilePart))

    @property
    def is_result(self) -> bool:
        """Whether the message is the result of a call."""
        return self.role in RESULT_ROLES


def text_message(role: Role, text: str) -> Message:
    """Returns a message of one text; without parts if the text is empty."""
    return Message(role, (TextPart(text),) if text else ())
