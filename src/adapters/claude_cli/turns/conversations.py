"""The conversations of sessions: folders here, and transcripts that are stored."""

import asyncio

from modegate.adapters.claude_cli.archive.archived_sessions import ArchivedSessions
from modegate.adapters.claude_cli.pool.process_pool import ProcessPool
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.claude_cli.turns.runner import TurnRunner
from modegate.domain.errors import StorageError
from modegate.domain.session import SessionId


class Conversations:
    """Lists and deletes conversations. `deleting` has the tasks that delete."""

    def __init__(
        self,
        workspace: SessionDirectories,
        archive: ArchivedSessions | None,
        turns: TurnRunner,
        processes: ProcessPool,
    ) -> None:
        self._workspace = workspace
        self._archive = archive
        self._turns = turns
        self._processes = processes
        self.deleting: set[asyncio.Task[bool]] = set()

    async def list_ids(self, limit: int, after: SessionId | None) -> list[SessionId]:
        """Returns a page of sessions that have a folder, without those of prewarmed processes.

        Once an hour also of those that have a stored transcript.
        """
        here = await self._workspace.list_ids(
            limit=limit, after=after, without=self._processes.unused
        )
        if self._archive is None:
            return here
        try:
            stored = await self._archive.list_ids(after)
        except StorageError:  # the store that is away also stops what would delete them
            return here
        return sorted({*here, *stored})[:limit]

    async def delete(self, session_id: SessionId) -> bool:
        """Ends the session's process, and deletes its folder and its stored transcript.

        A cancelled caller does not interrupt it. Returns False if another gateway uses the session.

        Raises:
            StorageError: the folder or the stored transcript cannot be removed.
        """
        task = asyncio.create_task(self._delete(session_id))
        self.deleting.add(task)
        task.add_done_callback(self.deleting.discard)
        return await asyncio.shield(task)

    async def _delete(self, session_id: SessionId) -> bool:
        await self._turns.end_session(session_id)
        await self._processes.end_session(session_id)
        if not await self._workspace.delete(session_id):
            return False
        if self._archive is not None:
            await self._archive.delete(session_id)
        return True
