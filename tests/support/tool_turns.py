"""Turns with a client's tools on a Claude backend, without a gateway around it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.domain.access.client import ClientId
from modegate.domain.answer.fold import Completion, fold
from modegate.domain.conversation.message import Message, Role, text_message
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.tools.client_tool import ClientTool, ToolOffer
from modegate.domain.turn import Turn

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = ClientTool("get_weather", "Weather in a city", CITY)
CLOCK = ClientTool("get_time", "Time in a city", CITY)
OFFER = ToolOffer((WEATHER, CLOCK))


def result(call_id: str | None, text: str, **fields: Any) -> Message:
    """Returns the result of a call."""
    return replace(text_message(Role.TOOL, text), call_id=call_id, **fields)


def process_of(session_id: str) -> int:
    """Returns the pid of the process in the session's folder."""
    for entry in Path("/proc").iterdir():
        try:
            folder = (entry / "cwd").readlink() if entry.name.isdigit() else Path()
        except OSError:
            continue
        if session_id in folder.parts:
            return int(entry.name)
    raise AssertionError("no process")


class Conversation:
    """One session's turns, streamed or not, each with the same tools."""

    def __init__(
        self,
        backend: ClaudeBackend,
        session_id: str,
        *,
        offer: ToolOffer | None = OFFER,
        streamed: bool = True,
    ) -> None:
        self.backend = backend
        self.session = Session.start(SessionId(session_id), ClientId("a"), 0.0)
        self.offer = offer
        self.streamed = streamed
        self._resume = False

    async def say(self, text: str) -> Completion:
        """Sends a user's message."""
        return await self.ask(text_message(Role.USER, text))

    async def ask(self, *messages: Message, **fields: Any) -> Completion:
        """Sends the messages of a turn, and returns the whole answer."""
        turn = self.turn(messages, **fields)
        async with self.backend.generate(turn) as events:
            completion = await fold(events)
        self._resume = True
        return completion

    def turn(self, messages: Sequence[Message], **fields: Any) -> Turn:
        """Returns the turn of the messages."""
        given = {"tools": self.offer, "streamed": self.streamed} | fields
        return Turn(
            cli_model="sonnet",
            prompt=Prompt("", tuple(messages)),
            session=self.session,
            resume=self._resume,
            **given,
        )
