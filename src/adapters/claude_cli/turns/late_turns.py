"""The archive's state, and turns that are stored once it takes them."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from modegate.adapters.claude_cli.session_folder import turn_mark
from modegate.adapters.claude_cli.session_folder.moved_transcript import LargeTranscriptError
from modegate.adapters.claude_cli.session_folder.session_directory import storage_errors
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.runner import TurnRunner
from modegate.adapters.claude_cli.turns.stored_turn import store_turn
from modegate.domain.health import ArchiveState
from modegate.domain.session import Session, SessionId

log = logging.getLogger(__name__)


class LateTurns:
    """Stores turns that were answered while the archive could not take them."""

    def __init__(self, resources: TurnResources, turns: TurnRunner) -> None:
        self._archive = resources.archive
        self._unstored = resources.unstored
        self._workspace = resources.workspace
        self._turns = turns

    def archive_state(self) -> ArchiveState | None:
        """Returns the outcome of the archive's last use; None where sessions stay here."""
        return None if self._archive is None else self._archive.state

    async def check_archive(self) -> None:
        """Checks by a real write whether the archive can be used."""
        if self._archive is not None:
            await self._archive.check()

    def list_unstored(self) -> Sequence[SessionId]:
        """Returns the sessions whose last turn here is not stored for other gateways."""
        return self._unstored.session_ids

    async def has_unstored(self, session: Session) -> bool:
        """Returns whether the turn that `session.unstored` names is in the session's folder.

        It may have been another process that put it there: a worker, or one that has ended.

        Raises:
            StorageError: the folder cannot be read.
        """
        late = self._unstored.get(session.id)
        if late is not None and late.answered.id == session.unstored:
            return True
        return await self._workspace.has_unstored(session)

    def give_up(self, session: Session) -> None:
        """Logs that the session goes on here without its last turn."""
        log.warning("session %s goes on without its last turn, which was not stored", session.id)

    def forget(self, session_id: SessionId) -> None:
        """Forgets the turn of a session that is deleted."""
        self._unstored.drop(session_id)

    async def store_late(self, session_id: SessionId, session: Session | None) -> Session | None:
        """Stores such a turn, and returns the record that names it.

        Returns None, and forgets the turn, if the session has gone on elsewhere or was deleted. A
        turn that is not settled makes it wait.

        Raises:
            StorageError: the archive or the folder cannot be used.
        """
        await self._turns.settled(session_id)
        late = self._unstored.get(session_id)
        if late is None or self._archive is None:
            return None
        answered, record, stored = late.answered, late.record(session), None
        if record is not None:
            with storage_errors(), suppress(LargeTranscriptError):
                if await asyncio.to_thread(turn_mark.read, answered.folder) is not None:
                    return None
                stored = await store_turn(self._archive, record, answered)
            if stored is not None:
                return record.stored_late(answered.cli_session_id, str(stored.version))
        self._unstored.drop(session_id)
        return None
