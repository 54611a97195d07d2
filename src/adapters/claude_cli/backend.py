"""The Claude backend: turns on processes of the `claude` executable."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import (
    AbstractContextManager,
    aclosing,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import replace

from modegate.adapters.claude_cli.archive.archived_sessions import ArchivedSessions
from modegate.adapters.claude_cli.command.login_state import LoginState, login_changed_at
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.pool.process_pool import ProcessPool
from modegate.adapters.claude_cli.pool.slots import Slots
from modegate.adapters.claude_cli.process.shielded import cancelled
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.claude_cli.turns.conversations import Conversations
from modegate.adapters.claude_cli.turns.late_turns import LateTurns
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.runner import TurnRunner
from modegate.adapters.claude_cli.turns.translation import offered_tools, translator_of, whole
from modegate.adapters.claude_cli.turns.usage_of_cut import usage_if_cut
from modegate.application.ports.transcript_archive import TranscriptArchive
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import (
    AnswerEvent,
)
from modegate.domain.errors import BackendAuthError
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.health import Capacity, ClaudeHealth, StorageState
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.secrets import redactor
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import Turn


class ClaudeBackend:
    """Answers turns through the `claude` executable, and reports its health."""

    def __init__(self, options: ClaudeOptions, archive: TranscriptArchive | None = None) -> None:
        self._archive = None if archive is None else ArchivedSessions(archive)
        self._options = options = self._with_archive(options)
        self._credentials = LoginState(options)
        self._workspace = SessionDirectories(options.state)
        self._processes = ProcessPool(options, self._workspace)
        self._slots = Slots(options.slots, options.queue_timeout)
        resources = TurnResources(
            options, self._slots, self._processes, self._workspace, self._archive
        )
        self._turns = TurnRunner(resources)
        self.late = LateTurns(resources, self._turns)
        self._conversations = Conversations(
            self._workspace, self._archive, self._turns, self._processes
        )
        self._preparing: asyncio.Task[None] | None = None

    def status(self) -> ClaudeHealth:
        """Returns the backend's state; starts no process and asks no model."""
        return ClaudeHealth(
            executable=self._processes.launcher.executable is not None,
            credentials=self._credentials.state,
            capacity=Capacity(
                active=self._slots.active,
                queued=self._slots.queued,
                warm=self._processes.warm,
                live=self._processes.idle,
                parked=len(self._turns.parked),
                maximum=self._options.slots,
            ),
            windows=self._processes.launcher.windows.current(),
        )

    def storage_state(self) -> StorageState:
        """Returns the result of the latest storage check or reservation."""
        return self._workspace.state

    async def check_storage(self) -> None:
        """Checks whether the disk has room for a turn, by a real write."""
        await self._workspace.check()

    @asynccontextmanager
    async def generate(self, turn: Turn) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        """Runs one turn and yields its events as they arrive.

        A turn that is not streamed yields its text in one piece, at its end; so does a structured
        one.

        Raises:
            InvalidRequestError: on entering, if the schema of a structured answer is invalid.
        """
        if self._processes.launcher.executable is None:
            raise claude_code.unavailable()
        tools = offered_tools(turn, self._options)
        translator = translator_of(turn, tools, self._options)
        async with (
            self._turns.run(turn, translator, tools) as chunks,
            aclosing(self._noting_login(chunks)) as events,
        ):
            with usage_if_cut(turn, translator):
                yield events if turn.streamed else whole(events, translator)

    async def prepare(self) -> None:
        """Starts to read the executable's features and to prewarm, both in the background.

        The first turn then need not wait for them. Failures are ignored.
        """
        if self.status().can_work:
            self._preparing = asyncio.create_task(self._prepare())

    def reconfigure(self, options: ClaudeOptions) -> None:
        """Uses other options for later turns; running ones keep theirs.

        Ends waiting processes that were started with another key, login or executable. The folder
        of the state and the limit of open files stay.
        """
        options = self._with_archive(options)
        warm_before, self._options = self._options.warm_models, options
        self._credentials.reconfigure(options)
        self._slots.resize(options.slots, options.queue_timeout)
        self._turns.reconfigure(options)
        self._processes.reconfigure(options)
        if options.warm_models != warm_before and self.status().can_work:
            self._note_warm_models()

    def is_parked(self, session_id: SessionId) -> bool:
        """Returns whether a turn of the session waits for results."""
        return self._turns.parked.get(session_id) is not None

    def list_parked(self) -> Sequence[SessionId]:
        """Returns the sessions whose turns wait for results."""
        return self._turns.parked.session_ids

    def end_if_moved(self, session_id: SessionId, session: Session | None) -> bool:
        """Ends the parked turn of a session that has gone on elsewhere, or is no more."""
        return self._turns.end_if_moved(session_id, session)

    def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
        """Returns the client's session with a turn that waits for one of the calls; else None."""
        return self._turns.parked.find(client, call_ids)

    async def awaits(self, session: Session, call_ids: Collection[str]) -> bool:
        """Returns whether the session's turn waits for a call, or its transcript ends with it.

        A conversation that is stored elsewhere, or is to be, counts as one that may.
        """
        if session.unstored and not await self.late.has_unstored(session):
            return self._archive is not None
        parked = self._turns.parked.get(session.id)
        if parked is not None and not self._turns.end_if_moved(session.id, session):
            return any(it.id in call_ids for it in parked.translator.calls)
        await self._turns.settled(session.id)
        moves = self._archive is not None
        ends_with_it = await self._workspace.ends_with_calls(session, call_ids, moves=moves)
        if ends_with_it is None:
            return self._archive is not None and bool(session.transcript)
        return ends_with_it

    def login_changed_at(self) -> int:
        """Returns the time of the login file's last change in nanoseconds; 0 without one."""
        return login_changed_at(self._options.environment)

    def _note_warm_models(self) -> None:
        for cli_model in reversed(self._options.warm_models):
            self._processes.note_use(cli_model)

    async def _prepare(self) -> None:
        await asyncio.to_thread(redactor.prepare)
        await self._processes.launcher.prepare()
        self._note_warm_models()

    def drain(self) -> None:
        """Starts no more turns; turns that wait for a slot fail."""
        self._slots.drain()
        self._turns.drain()
        self._processes.drain()

    def reserve(
        self, cli_model: str, effort: Effort | None
    ) -> AbstractContextManager[SessionId | None]:
        """Reserves a prewarmed process and yields its session's id.

        Yields None where there is none. So it does with an effort that needs a process of its own,
        because the executable takes no settings between turns.
        """
        if effort is None or self._processes.launcher.changes_settings:
            return self._processes.reserve(cli_model)
        return nullcontext()

    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        """Returns a page of the sessions that have a conversation; as `Conversations.list_ids`."""
        return await self._conversations.list_ids(limit, after)

    async def delete(self, session_id: SessionId) -> bool:
        """Deletes the session's conversation; as `Conversations.delete`."""
        self.late.forget(session_id)
        return await self._conversations.delete(session_id)

    async def aclose(self) -> None:
        """Waits for the cleanup of turns and sessions, then ends every process."""
        if self._preparing is not None:
            await cancelled(self._preparing)
        self._turns.drain()
        while under_way := {*self._turns.settling, *self._conversations.deleting}:
            await asyncio.wait(under_way)
        await self._processes.aclose()
        if self._archive is not None:
            await self._archive.aclose()

    def _with_archive(self, options: ClaudeOptions) -> ClaudeOptions:
        """Returns options with which the CLI writes a turn before it reports the end."""
        return options if self._archive is None else replace(options, eager_flush=True)

    async def _noting_login(
        self, events: AsyncIterator[AnswerEvent]
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yields the events, and records whether Claude accepted the credentials."""
        try:
            async for event in events:
                self._credentials.accepted()
                yield event
        except BackendAuthError:
            self._credentials.refused()
            raise
