"""Brings a session's conversation to this gateway before its turn."""

import asyncio
import logging

from modegate.adapters.claude_cli.archive.archived_sessions import Stored
from modegate.adapters.claude_cli.archive.version import Version
from modegate.adapters.claude_cli.process.orphan_guard_process import kill_marked
from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.session_folder import stored_prefix, transcript_rollback
from modegate.adapters.claude_cli.session_folder.moved_transcript import replace_transcript
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
    storage_errors,
)
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.application.ports.transcript_archive import Entry
from modegate.domain.errors.catalogue import sessions, storage
from modegate.domain.tools.calls_lost import CallsLostError
from modegate.domain.turn import Turn

log = logging.getLogger(__name__)


class TranscriptFetch:
    """Makes a session's folder hold the conversation that its record names."""

    def __init__(self, turn: Turn, resources: TurnResources) -> None:
        self._turn = turn
        self._session = turn.session
        self._archive = resources.archive
        self._processes = resources.processes
        self._workspace = resources.workspace

    async def execute(self) -> None:
        """Replaces the transcript if the folder does not go on from the record's conversation.

        What the folder and the session's idle process hold is used if it goes on from there. If it is
        older, or half of a turn, the process is killed and the transcript is replaced.

        Raises:
            SessionNotFoundError: the conversation is neither here nor stored.
            CallsLostError: so, and the turn brings results.
            StorageError: the folder or the archive cannot be used, or no turn is stored yet.
            SessionBusyError: another gateway uses the folder.
        """
        if self._archive is None or not self._turn.resume:
            return
        with storage_errors():
            folder = await self._workspace.prepare(self._session.id)
            if await asyncio.to_thread(stored_prefix.is_current, folder, self._session):
                return
        version = self._session.transcript
        found = version and await self._archive.load(self._session.id, Version.parse(version))
        if not found:
            if results := self._turn.prompt.results:
                raise CallsLostError.of(results)
            if self._session.turns and not version:
                raise storage.turn_not_stored()
            raise sessions.conversation_lost()
        await run_shielded(self._replace(folder, *found))
        log.info("session %s moved here at turn %d", self._session.id, self._session.turns)

    async def _replace(
        self, folder: SessionDirectory, stored: Stored, entries: list[Entry]
    ) -> None:
        await self._processes.drop_session(self._session.id)
        lock = self._workspace.lock(folder)
        with storage_errors():
            lock.acquire()
        try:
            await transcript_rollback.undo_marked(folder, lambda mark: kill_marked([mark]))
            with storage_errors():
                await asyncio.to_thread(
                    replace_transcript,
                    folder,
                    self._session.cli_session_id,
                    str(stored.version),
                    stored.batches,
                    entries,
                )
        finally:
            lock.release()
