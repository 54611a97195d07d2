"""Stores what a turn has added to the transcript."""

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
from modegate.adapters.claude_cli.session_folder.moved_transcript import added_entries
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
)
from modegate.adapters.claude_cli.session_folder.stored_prefix import (
    NOTHING_STORED,
    StoredPrefix,
)
from modegate.application.ports.transcript_archive import Entry
from modegate.domain.errors import StorageError
from modegate.domain.session import Session
from modegate.lazy_dataclass import dataclass

# Larger transcripts are not stored: their sessions stay on the gateway that they are on.
MOST_BYTES = 64 * 1024 * 1024
# Seconds for the CLI to write the answer to the transcript: with EAGER_FLUSH it is there before the
# CLI reports its end (2.1.329). And seconds between two looks.
WRITTEN_TIMEOUT_S = 1.0
LOOK_INTERVAL_S = 0.02

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnsweredTurn:
    """A turn that its session's folder has.

    `id` is that of `Session.unstored`, and `with_answer` whether the transcript must end with an
    answer.
    """

    id: str
    folder: SessionDirectory
    cli_session_id: str
    with_answer: bool


async def store_turn(
    archive: ArchivedSessions, session: Session, turn: AnsweredTurn
) -> Stored | None:
    """Stores what the folder has beyond the session's stored transcript, and notes that in the folder.

    A turn that the archive does not take is noted by its id. Returns None if the CLI has not
    written the turn.

    Raises:
        LargeTranscriptError: the transcript is too large.
        StorageError: the archive cannot be used.
        OSError: the folder cannot be used.
    """
    folder = turn.folder
    path, before = await asyncio.to_thread(_before, folder, session, turn.cli_session_id)
    written = await _written(path, before.size, with_answer=turn.with_answer)
    if path is None or written is None:
        log.warning("turn of session %s is not in its transcript", session.id)
        await asyncio.to_thread(_note, folder, session, before)
        return None
    entries, size = written
    base = Stored(Version.parse(session.transcript), before.batches)
    try:
        stored = await archive.extend(
            session.id, base if before.batches else None, session.turns + 1, entries
        )
    except StorageError:
        prefix = await asyncio.to_thread(stored_prefix.prefix_of, path, size, batches=0)
        await asyncio.to_thread(_note, folder, session, before, (turn.id, prefix))
        raise
    prefix = await asyncio.to_thread(stored_prefix.prefix_of, path, size, stored.batches)
    await asyncio.to_thread(_note, folder, session, before, (str(stored.version), prefix))
    return stored


def _before(
    folder: SessionDirectory, session: Session, cli_session_id: str
) -> tuple[Path | None, StoredPrefix]:
    """Returns the transcript, and how much of it is stored as the session's version."""
    path = stored_prefix.transcript_of(folder, cli_session_id)
    prefix = stored_prefix.read(folder).get(session.transcript, NOTHING_STORED)
    if path is None or prefix.batches >= MOST_BATCHES:
        return path, NOTHING_STORED
    is_there = path.stat().st_size >= prefix.size and stored_prefix.is_there(path, prefix)
    return path, prefix if is_there else NOTHING_STORED


def _note(
    folder: SessionDirectory,
    session: Session,
    before: StoredPrefix,
    *after: tuple[str, StoredPrefix],
) -> None:
    """Notes that the folder goes on from the session's version, also if `after` is not named.

    Without a mark of the turn the folder's conversation is that of the session's record.
    """
    stored_prefix.write(folder, {session.transcript: before, **dict(after)})


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
