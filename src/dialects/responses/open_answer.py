"""The assistant's message to which the next items of a request may belong."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from modegate.domain.conversation.message import Message, Role, ToolCall
from modegate.domain.conversation.thought import Thought


class OpenAnswer:
    """Collects reasoning, a message and calls; each call belongs to the message before it.

    Reasoning belongs to what follows it. Only what is sealed can be handed on.
    """

    def __init__(self) -> None:
        self._message: Message | None = None
        self._thoughts: tuple[Thought, ...] = ()

    def add_call(self, call: ToolCall) -> None:
        """Adds a call."""
        before = self._message or Message(Role.ASSISTANT)
        thoughts = (*before.thoughts, *self._take_thoughts())
        self._message = replace(before, calls=(*before.calls, call), thoughts=thoughts)

    def add_reasoning(self, item: Mapping[str, object]) -> Iterator[Message]:
        """Adds reasoning; yields the message before it, if it has no calls, so that the order stays.

        A message with calls stays open, because their results follow all of them.
        """
        sealed = item.get("encrypted_content")
        if isinstance(sealed, str) and sealed:
            self._thoughts += (Thought(sealed=sealed),)
            if self._message is not None and not self._message.calls:
                yield from self._close()

    def add(self, said: Message) -> Iterator[Message]:
        """Yields the messages that are complete, now that another one follows."""
        yield from self._close()
        thoughts = self._take_thoughts()
        if said.role is Role.ASSISTANT:
            self._message = replace(said, thoughts=thoughts)
        else:
            yield said

    def end(self) -> Iterator[Message]:
        """Yields the last message."""
        yield from self._close()

    def _take_thoughts(self) -> tuple[Thought, ...]:
        taken, self._thoughts = self._thoughts, ()
        return taken

    def _close(self) -> Iterator[Message]:
        message, self._message = self._message, None
        if message is not None:
            yield message
