"""Gateways that share sessions and stored transcripts, each with a state folder of its own."""

import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.memory.configuration_source import MemoryConfigurationSource
from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.adapters.system.ids import RandomIds
from modegate.application.ports.session_store import SessionStore
from modegate.application.ports.transcript_archive import TranscriptArchive
from modegate.application.sessions.acknowledgement import Acknowledgement
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.unstored_marks import UnstoredMarks
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.answer.events import AnswerEvent, Finished
from modegate.domain.answer.fold import fold
from modegate.domain.configuration import Configuration
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import Turn
from modegate.testing.clock import FakeClock
from modegate.testing.gateway_presence import FakeGatewayPresence
from support import remembering_claude


def make_remembering_claude(folder: Path) -> Path:
    """Writes an executable that recites its conversations, as `support.remembering_claude` says."""
    path = folder / "claude"
    program = shlex.join([sys.executable, "-I", "-S", remembering_claude.__file__])
    path.write_text(f'#!/bin/sh\nexec {program} "$@"\n')
    path.chmod(0o755)
    return path


@dataclass(frozen=True)
class Answer:
    """An answer, and the session that it belongs to."""

    session: SessionId
    text: str

    @property
    def heard(self) -> Any:
        """The prompts of the conversation, as `remembering_claude` recites them."""
        return json.loads(self.text)


@dataclass
class Member:
    """One gateway of a fleet: its backend, and its view of the sessions."""

    state: Path
    backend: ClaudeBackend
    registry: SessionRegistry

    async def ask(self, text: str, session: str | None = None, *, streamed: bool = True) -> Answer:
        """Has a turn, and returns its answer."""
        async with self.asked(text, session, streamed=streamed) as (held, events):
            completion = await fold(events)
        return Answer(held.id, completion.text)

    @asynccontextmanager
    async def asked(
        self, text: str, session: str | None = None, *, streamed: bool = True
    ) -> AsyncIterator[tuple[Session, AsyncIterator[AnswerEvent]]]:
        """Begins a turn as the pipeline of requests does; leaving the context ends it."""
        if session is None:
            holding = self.registry.start(ANONYMOUS.id, "sonnet")
        else:
            holding = self.registry.resume(session, ANONYMOUS.id)
        async with holding as held:
            acknowledgement = Acknowledgement(self.registry, held)
            turn = Turn(
                cli_model="sonnet",
                prompt=Prompt.of_text(text),
                session=held,
                resume=session is not None,
                streamed=streamed,
                on_stored=acknowledgement.stored,
            )
            is_answered = False

            async def noted(events: AsyncIterator[AnswerEvent]) -> AsyncIterator[AnswerEvent]:
                nonlocal is_answered
                async for event in events:
                    is_answered = isinstance(event, Finished)
                    yield event

            async with self.backend.generate(turn) as events:
                if streamed:
                    await self.registry.save(held, None)
                yield held, noted(events)
            if is_answered:  # else the client has left, which ends a request by an error
                await acknowledgement.ended(None)

    def folder(self, session: str) -> Path:
        """The session's folder on this gateway."""
        return self.state / "sessions" / session

    def transcript(self, session: str) -> Path:
        """The session's transcript on this gateway."""
        (found,) = self.folder(session).glob("claude/projects/*/*.jsonl")
        return found


@dataclass
class Fleet:
    """What gateways share, and makes them.

    With `present`, the names of those that live, they mark turns that are not stored.
    """

    folder: Path
    executable: Path | None
    archive: TranscriptArchive | None
    environment: Mapping[str, str] = field(default_factory=dict)
    store: SessionStore = field(default_factory=MemorySessionStore)
    options: Mapping[str, Any] = field(default_factory=dict)
    present: set[str] | None = None

    @asynccontextmanager
    async def members(self, number: int) -> AsyncIterator[list[Member]]:
        """Runs gateways."""
        async with AsyncExitStack() as running:
            yield [await running.enter_async_context(self.member(str(it))) for it in range(number)]

    @asynccontextmanager
    async def member(self, name: str) -> AsyncIterator[Member]:
        """Runs a gateway with the state folder `name`, which may be that of one that has ended."""
        state = self.folder / name
        backend = ClaudeBackend(
            ClaudeOptions(
                state=state,
                executable=str(self.executable) if self.executable else None,
                environment={"PATH": os.environ["PATH"], "HOME": str(self.folder)}
                | dict(self.environment),
                **({"warm_processes": 0} | dict(self.options)),
            ),
            self.archive,
        )
        clock = FakeClock()
        marks = None
        if self.present is not None:
            presence = FakeGatewayPresence(name)
            presence.present = self.present
            marks = UnstoredMarks(backend.late, presence, clock)
        registry = SessionRegistry(
            store=self.store,
            transcripts=backend,
            configuration=MemoryConfigurationSource(Configuration()),
            clock=clock,
            ids=RandomIds(),
            marks=marks,
        )
        try:
            yield Member(state, backend, registry)
        finally:
            await backend.aclose()
