"""Stores the conversations of sessions turn by turn, and loads them."""

import asyncio
import logging
import math
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from modegate.adapters.claude_cli.archive.turn_log import NOTHING, Batch, conversation
from modegate.adapters.claude_cli.archive.version import Version
from modegate.application.ports.transcript_archive import (
    Entry,
    TranscriptArchive,
    TranscriptKey,
)
from modegate.domain.errors import GatewayError, StorageError
from modegate.domain.health import ArchiveState
from modegate.domain.session import SessionId, is_session_id
from modegate.domain.storage import StorageFault, storage_error
from modegate.lazy_dataclass import dataclass

# The project of all sessions. Deployments that share a place have folders or databases of their own.
PROJECT = "modegate"
# What a check writes and deletes: no session, and listed with none.
CHECKED = TranscriptKey(project_key=f"{PROJECT}-check", session_id="check")
# Seconds for which the end of an answer waits, and for which a moved session waits.
STORE_TIMEOUT_S = 3.0
LOAD_TIMEOUT_S = 10.0
# Batches in a list. Then a new list begins with the whole conversation, and the old one is deleted:
# so no list has many objects, or many turns that were never acknowledged.
MOST_BATCHES = 64
# Seconds between two looks for what is left of sessions: a look may list a whole bucket.
SWEEP_INTERVAL_S = 3600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored conversation: its version, and the number of batches in its list."""

    version: Version
    batches: int


class ArchivedSessions:
    """Stores each conversation in a list of the archive; the session's main list only marks it."""

    def __init__(self, archive: TranscriptArchive) -> None:
        self._archive = archive
        self._swept_at = -math.inf
        self._listed: list[SessionId] = []
        self._dropping: set[asyncio.Task[None]] = set()
        self.state = ArchiveState.OK

    async def check(self) -> None:
        """Records in `state` whether the archive takes a write."""
        with suppress(StorageError):
            async with self._within(STORE_TIMEOUT_S):
                await self._archive.append(CHECKED, [{"type": PROJECT}])
                with suppress(NotImplementedError):
                    await self._archive.delete(CHECKED)
            self.state = ArchiveState.OK

    async def extend(
        self, session_id: SessionId, before: Stored | None, turn: int, entries: Sequence[Entry]
    ) -> Stored:
        """Stores the entries behind the conversation `before`; without one they are a whole one.

        Raises:
            StorageError: they are not stored, or perhaps not.
        """
        async with self._within(STORE_TIMEOUT_S):
            checksum = before.version.checksum if before else NOTHING
            batch = await asyncio.to_thread(Batch.after, checksum, turn, entries)
            part = before.version.part if before else uuid.uuid4().hex[:8]
            await self._archive.append(_key(session_id, part), batch.lines())
            if before is None:
                await self._archive.append(_key(session_id), [{"type": PROJECT}])
        self.state = ArchiveState.OK
        return Stored(Version(part, batch.checksum), before.batches + 1 if before else 1)

    async def load(
        self, session_id: SessionId, version: Version
    ) -> tuple[Stored, list[Entry]] | None:
        """Returns a conversation; None if it is not there as it was stored.

        Raises:
            StorageError: the archive cannot be used.
        """
        async with self._within(LOAD_TIMEOUT_S):
            lines = await self._archive.load(_key(session_id, version.part))
            if lines is None:
                return None
            found = await asyncio.to_thread(conversation, lines, version.checksum)
        if found is None:
            return None
        return Stored(version, len(found)), [entry for batch in found for entry in batch.entries]

    def drop_others(self, session_id: SessionId, kept: Version) -> None:
        """Deletes the session's other lists in the background; a failure leaves them."""
        task = asyncio.create_task(self._drop_others(session_id, kept))
        self._dropping.add(task)
        task.add_done_callback(self._dropping.discard)

    async def delete(self, session_id: SessionId) -> None:
        """Deletes all that is stored of a session.

        Raises:
            StorageError: the archive cannot be used.
        """
        async with self._within(LOAD_TIMEOUT_S):
            await self._archive.delete(_key(session_id))

    async def list_ids(self, after: SessionId | None) -> list[SessionId]:
        """Returns the sessions with a transcript that are greater than `after`.

        They are listed once an hour, without `after`; at other times there are none.

        Raises:
            StorageError: the archive cannot be used.
        """
        if after is None:
            self._listed = await self._list_ids()
        return [it for it in self._listed if after is None or it > after]

    async def aclose(self) -> None:
        """Waits for deletions in the background."""
        while self._dropping:
            await asyncio.wait(self._dropping)

    async def _list_ids(self) -> list[SessionId]:
        now = time.monotonic()
        if now - self._swept_at < SWEEP_INTERVAL_S:
            return []
        async with self._within(LOAD_TIMEOUT_S):
            found = await self._archive.list_sessions(PROJECT)
        self._swept_at = now
        return [SessionId(it["session_id"]) for it in found if is_session_id(it["session_id"])]

    async def _drop_others(self, session_id: SessionId, kept: Version) -> None:
        with suppress(GatewayError, NotImplementedError):
            async with self._within(LOAD_TIMEOUT_S):
                for part in await self._archive.list_subkeys(_key(session_id)):
                    if part != kept.part:
                        await self._archive.delete(_key(session_id, part))

    @asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        """Bounds what an archive does. One that was made for the SDK may raise any error.

        A failed call makes the state a warning. Only a write ends that: a full archive can be read.
        """
        try:
            async with asyncio.timeout(seconds):
                yield
        except NotImplementedError:
            raise
        except StorageError:
            self.state = ArchiveState.WARN
            raise
        except TimeoutError as error:
            self.state = ArchiveState.WARN
            raise storage_error(StorageFault.BUSY) from error
        except Exception as error:
            self.state = ArchiveState.WARN
            log.warning("archive of transcripts could not be used: %s", type(error).__name__)
            raise storage_error(StorageFault.BROKEN) from error


def _key(session_id: SessionId, part: str = "") -> TranscriptKey:
    key = TranscriptKey(project_key=PROJECT, session_id=session_id)
    return {**key, "subpath": part} if part else key
