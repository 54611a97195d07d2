"""Stores the conversation with one turn for other gateways."""

import asyncio
import logging
from pathlib import Path

from modegate.adapters.claude_cli.archive.archived_sessions import (
    MOST_BATCHES,
    ArchivedSessions,
    Stored,
)
from modegate.adapters.claude_cli.archive.version import Version
from modegate.adapters.claude_cli.session_folder import stored_prefix
from modegate.adapters.claude_cli.session_folder.moved_transcript import (
    LargeTranscriptError,
    added_entries,
)
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
)
from modegate.adapters.claude_cli.session_folder.stored_prefix import (
    NOTHING_STORED,
    StoredPrefix,
)
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.application.ports.transcript_archive import Entry
from modegate.domain.errors import StorageError
from modegate.domain.session import Session
from modegate.domain.turn import Turn

# Larger transcripts are not stored: their sessions stay on the gateway that they are on.
MOST_BYTES = 64 * 1024 * 1024
# Seconds for the CLI to write the answer to the transcript: with EAGER_FLUSH it is there before the
# CLI reports its end (2.1.329). And seconds between two looks.
WRITTEN_TIMEOUT_S = 1.0
LOOK_INTERVAL_S = 0.02

log = logging.getLogger(__name__)


class TranscriptStorage:
    """Stores what a turn has added to the transcript, and has the turn acknowledged: once."""

    def __init__(self, turn: Turn, resources: TurnResources) -> None:
        self._turn = turn
        self._session = turn.session
        self._archive = resources.archive
        self._is_decided = False
        self._version = turn.session.transcript

    def is_last_of(self, session: Session) -> bool:
        """Returns whether no gateway has gone on since: the record names this turn's conversation."""
        return self._archive is None or session.transcript == self._version

    @property
    def must_be_stored(self) -> bool:
        """Whether the turn is to be stored, and that was not tried yet."""
        return self._archive is not None and not self._is_decided

    async def store(
        self, folder: SessionDirectory, cli_session_id: str, *, with_answer: bool
    ) -> None:
        """Stores the conversation with this turn, and has it acknowledged. Only the first call counts.

        `with_answer` is whether the transcript must end with an answer. A failure is logged: other
        gateways then go on without this turn, and this one goes on with it.
        """
        if self._archive is None or self._is_decided:
            return
        self._is_decided = True
        stored = None
        try:
            stored = await self._stored(
                self._archive, folder, cli_session_id, with_answer=with_answer
            )
        except LargeTranscriptError:
            log.warning("transcript of session %s is too large to be stored", self._session.id)
        except (StorageError, OSError) as error:
            log.error(  # noqa: TRY400 - nothing of the turn
                "turn of session %s could not be stored: %s", self._session.id, type(error).__name__
            )
        version = None if stored is None else str(stored.version)
        acknowledged = await self._turn.on_stored(cli_session_id, version)
        if not acknowledged or stored is None:
            return
        self._version = str(stored.version)
        if stored.batches == 1:
            self._archive.drop_others(self._session.id, stored.version)

    async def leave_out(self) -> None:
        """Has the answer acknowledged without the turn, which is removed from the conversation."""
        if self.must_be_stored:
            self._is_decided = True
            await self._turn.on_stored(None, None)

    async def _stored(
        self,
        archive: ArchivedSessions,
        folder: SessionDirectory,
        cli_session_id: str,
        *,
        with_answer: bool,
    ) -> Stored | None:
        """Stores the turn; returns None if the CLI has not written it."""
        path, before = await asyncio.to_thread(self._before, folder, cli_session_id)
        written = await _written(path, before.size, with_answer=with_answer)
        if path is None or written is None:
            log.warning("turn of session %s is not in its transcript", self._session.id)
            await asyncio.to_thread(self._note, folder, before)
            return None
        entries, size = written
        base = Stored(Version.parse(self._session.transcript), before.batches)
        try:
            stored = await archive.extend(
                self._session.id,
                base if before.batches else None,
                self._session.turns + 1,
                entries,
            )
        except StorageError:
            await asyncio.to_thread(self._note, folder, before)
            raise
        prefix = await asyncio.to_thread(stored_prefix.prefix_of, path, size, stored.batches)
        await asyncio.to_thread(self._note, folder, before, (str(stored.version), prefix))
        return stored

    def _before(
        self, folder: SessionDirectory, cli_session_id: str
    ) -> tuple[Path | None, StoredPrefix]:
        """Returns the transcript, and how much of it is stored as the session's version."""
        path = stored_prefix.transcript_of(folder, cli_session_id)
        prefix = stored_prefix.read(folder).get(self._session.transcript, NOTHING_STORED)
        if path is None or prefix.batches >= MOST_BATCHES:
            return path, NOTHING_STORED
        is_there = path.stat().st_size >= prefix.size and stored_prefix.is_there(path, prefix)
        return path, prefix if is_there else NOTHING_STORED

    def _note(
        self, folder: SessionDirectory, before: StoredPrefix, *after: tuple[str, StoredPrefix]
    ) -> None:
        """Notes that the folder goes on from the session's version, also if `after` is not named.

        Without a mark of the turn the folder's conversation is that of the session's record.
        """
        stored_prefix.write(folder, {self._session.transcript: before, **dict(after)})


async def _written(
    path: Path | None, size: int, *, with_answer: bool
) -> tuple[list[Entry], int] | None:
    """Returns what the turn has added once the CLI has written it; None if it does not in time."""
    if path is None:
        return None
    ends_at = asyncio.get_running_loop().time() + WRITTEN_TIMEOUT_S
    while True:
        found = await asyncio.to_thread(
            added_entries, path, size, most=MOST_BYTES, with_answer=with_answer
        )
        if found is not None or asyncio.get_running_loop().time() > ends_at:
            return found
        await asyncio.sleep(LOOK_INTERVAL_S)
