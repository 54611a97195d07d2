"""A conversation of several turns."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from modegate.domain.routing.mode import Mode
from modegate.entrypoints.gateway.answers import Answer
from modegate.entrypoints.gateway.requests import (
    ChatArguments,
    Message,
    Messages,
    Params,
    messages_of,
)
from modegate.entrypoints.gateway.streams import AnswerStream


class Turns(Protocol):
    """What a conversation needs of its gateway."""

    async def answer(self, arguments: ChatArguments) -> Answer:
        """Returns the answer to a turn."""
        ...

    def start_stream(
        self, arguments: ChatArguments, on_answer: Callable[[Answer], None]
    ) -> AnswerStream:
        """Returns the streamed answer to a turn."""
        ...

    async def end_session(self, session_id: str) -> None:
        """Deletes a session."""
        ...


class Conversation:
    """Turns that continue each other; one at a time.

    In Claude Code the session has the history, and `id` is its id once the first turn has answered.
    In passthrough the object keeps the messages, and sends all of them.
    """

    def __init__(
        self, gateway: Turns, mode: Mode, session_id: str | None, model: str | None
    ) -> None:
        self.id = session_id
        self.messages: list[Message] = []
        self._gateway = gateway
        self._mode = mode
        self._model = model

    async def chat(self, messages: Messages, **params: object) -> Answer:
        """Returns the answer to the next turn; see `Gateway.chat`."""
        sent = self._sent(messages)
        answer = await self._gateway.answer(self._arguments(sent, params))
        self._note(sent, answer)
        return answer

    def stream(self, messages: Messages, **params: object) -> AnswerStream:
        """Returns the streamed answer to the next turn; see `Gateway.stream`."""
        sent = self._sent(messages)
        return self._gateway.start_stream(self._arguments(sent, params), partial(self._note, sent))

    async def end(self) -> None:
        """Deletes the session and the messages; the next turn begins a new conversation."""
        session_id, self.id, self.messages = self.id, None, []
        if session_id is not None:
            await self._gateway.end_session(session_id)

    def _arguments(self, sent: list[Message], params: Params) -> ChatArguments:
        return ChatArguments(
            messages=sent, model=self._model, mode=self._mode, session=self.id, extra=params
        )

    def _sent(self, messages: Messages) -> list[Message]:
        new = messages_of(messages)
        return new if self._mode is Mode.CLAUDE_CODE else [*self.messages, *new]

    def _note(self, sent: list[Message], answer: Answer) -> None:
        self.id = answer.session_id or self.id
        if self._mode is Mode.PASSTHROUGH:
            self.messages = [*sent, _message_of(answer)]


def _message_of(answer: Answer) -> Message:
    choices = answer.raw.get("choices") or [{}]
    message: Message | None = choices[0].get("message")
    return message or {"role": "assistant", "content": answer.text}
