"""The assistant's message to which the next items of a request may belong."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from modegate.domain.conversation.message import Message, Role, ToolCall
from modegate.domain.conversation.runs import GrowingRuns, RunKind
from modegate.domain.conversation.thought import Thought


class OpenAnswer:
    """Collects reasoning, texts and calls, in their order, until the results of the calls follow.

    Reasoning belongs to what follows it. Only what is sealed can be handed on.
    """

    def __init__(self) -> None:
        self._message: Message | None = None
        self._thoughts: tuple[Thought, ...] = ()
        self._runs = GrowingRuns()

    def add_call(self, call: ToolCall) -> None:
        """Adds a call."""
        before = self._with_thoughts()
        self._runs.add(RunKind.CALL, 1)
        self._message = replace(before, calls=(*before.calls, call))

    def add_reasoning(self, item: Mapping[str, object]) -> Iterator[Message]:
        """Adds reasoning; yields the message before it, if it has no calls.

        A message with calls stays open, because their results follow all of them.
        """
        sealed = item.get("encrypted_content")
        if isinstance(sealed, str) and sealed:
            self._thoughts += (Thought(sealed=sealed),)
            if self._message is not None and not self._message.calls:
                yield from self._close()

    def add(self, said: Message) -> Iterator[Message]:
        """Yields the messages that are complete, now that another one follows.

        What an answer says between its calls, or behind them, belongs to the same message.
        """
        is_answer = said.role is Role.ASSISTANT
        if not is_answer or self._message is None or not self._message.calls:
            yield from self._close()
        if is_answer:
            before = self._with_thoughts()
            self._runs.add(RunKind.TEXT, len(said.text))
            self._message = replace(before, parts=(*before.parts, *said.parts))
        else:
            self._thoughts = ()
            yield said

    def end(self) -> Iterator[Message]:
        """Yields the last message."""
        yield from self._close()

    def _with_thoughts(self) -> Message:
        """Returns the open message, or a new one, with the thoughts that lead to what follows."""
        message = self._message or Message(Role.ASSISTANT)
        taken, self._thoughts = self._thoughts, ()
        for _ in taken:
            self._runs.add(RunKind.THOUGHT, 0)
            self._runs.end()
        return replace(message, thoughts=(*message.thoughts, *taken))

    def _close(self) -> Iterator[Message]:
        message, self._message = self._message, None
        runs, self._runs = self._runs.runs, GrowingRuns()
        if message is not None:
            yield replace(message, runs=runs)
