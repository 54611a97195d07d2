"""Sessions that outlive the process."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, TypeVar

from modegate.adapters.sqlite.condition import Condition, fault_in
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.migrations import SESSIONS
from modegate.adapters.sqlite.session_holds import SessionHolds
from modegate.adapters.sqlite.spare import SpareSpace
from modegate.domain.access.client import ClientId
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import sessions
from modegate.domain.health import StorageState
from modegate.domain.session import Session, SessionId
from modegate.domain.storage import StorageFault

T = TypeVar("T")
log = logging.getLogger(__name__)

FILE = "sessions.db"
SPARE = "sessions.spare"
PROOF_BYTES = 512
BYTES_A_CHARACTER = 4  # UTF-8 takes no more
# The index has all that is read here: the table would be read with its prompts.
# `history` is computed from the others.
COLUMNS = ", ".join(field.name for field in fields(Session))
MARKS = ", ".join("?" * (len(fields(Session)) + 1))
PUT = f"""
INSERT OR REPLACE INTO sessions ({COLUMNS}, history)
VALUES ({MARKS})
"""  # noqa: S608 - ours
BY_HISTORY = f"""
SELECT {COLUMNS} FROM sessions INDEXED BY session_histories
WHERE history = ? AND history != '' ORDER BY used_at DESC LIMIT ?
"""  # noqa: S608 - ours
EXPIRED = """
SELECT id FROM sessions INDEXED BY session_times
WHERE id > ? AND (used_at <= ? OR created_at <= ?) ORDER BY id LIMIT ?
"""


class SqliteSessionStore:
    """Remembers sessions in a folder that several processes may share.

    Every statement runs in one thread of the store's own, never in the event loop. A commit survives
    the end of the process, however it comes.
    """

    def __init__(self, folder: Path) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sessions")
        self._closed = False
        self._file = DatabaseFile(folder / FILE, SESSIONS)
        self._holds = SessionHolds(folder)
        self._spare = SpareSpace(folder / SPARE)
        self._condition = Condition()

    def storage_state(self) -> StorageState:
        """Whether the last write worked."""
        return self._condition.state

    async def check_storage(self) -> None:
        """Tries a write; no-op where the store is closed."""
        if not self._closed:
            with suppress(StorageError):
                await self._prove(PROOF_BYTES, is_check=True)

    async def get(self, session_id: SessionId) -> Session | None:
        """The session, or None."""
        found = await self._select(
            f"SELECT {COLUMNS} FROM sessions WHERE id = ?",  # noqa: S608 - ours
            session_id,
        )
        return found[0] if found else None

    async def find(self, client: ClientId | None = None) -> list[Session]:
        """All sessions, or those of one client."""
        where, values = ("", ()) if client is None else ("WHERE client = ?", (client,))
        return await self._select(
            f"SELECT {COLUMNS} FROM sessions {where} ORDER BY used_at DESC",  # noqa: S608 - ours
            *values,
        )

    async def find_by_history(self, history: str, limit: int) -> list[Session]:
        """Sessions with this history, most recently used first."""
        return await self._select(BY_HISTORY, history, limit)

    async def count(self) -> int:
        """The number of sessions."""
        ((number,),) = await self._rows("SELECT count(*) FROM sessions")
        return int(number)

    async def find_expired(
        self,
        *,
        used_until: float,
        created_until: float,
        limit: int,
        after: SessionId | None = None,
    ) -> list[SessionId]:
        """A page of ids, sorted."""
        rows = await self._rows(EXPIRED, after or "", used_until, created_until, limit)
        return [SessionId(found) for (found,) in rows]

    async def find_unknown(self, ids: Sequence[SessionId]) -> list[SessionId]:
        """The ids without a session."""
        marks = ", ".join("?" * len(ids))
        rows = await self._rows(
            f"SELECT id FROM sessions INDEXED BY session_times WHERE id IN ({marks})",  # noqa: S608 - ours
            *ids,
        )
        known = {found for (found,) in rows}
        return [it for it in ids if it not in known]

    async def put(self, session: Session) -> None:
        """Remember the session."""
        try:
            await self._write(PUT, *astuple(session), session.history)
        except StorageError:
            log.error("session %s could not be kept", session.id)  # noqa: TRY400
            raise

    async def reserve(self, session: Session) -> None:
        """Writes as much as the session takes, and keeps room for a last write on a full disk."""
        await self._prove(PROOF_BYTES + BYTES_A_CHARACTER * len(session.system_prompt))

    async def remove(self, session_id: SessionId) -> None:
        """Forget the session."""
        await self._write("DELETE FROM sessions WHERE id = ?", session_id)

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        """Exclusive use of the id, among all processes that share the folder."""
        async with AsyncExitStack() as holding:
            with self._condition.observed():
                taken = await holding.enter_async_context(self._holds.hold(session_id))
            if not taken:
                raise sessions.busy()
            yield

    async def aclose(self) -> None:
        """Close the database; once is enough, and twice does no harm."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown()
        await self._holds.aclose()

    async def _select(self, statement: str, *values: object) -> list[Session]:
        return [Session(*row) for row in await self._rows(statement, *values)]

    async def _rows(self, statement: str, *values: object) -> list[Any]:
        return await self._run(lambda db: db.execute(statement, values).fetchall())

    async def _write(self, statement: str, *values: object) -> None:
        await self._run(lambda db: self._with_room(lambda: db.execute(statement, values)))

    def _with_room(self, work: Callable[[], T]) -> T:
        """Does the work, once more where it failed and the spare room may have helped."""
        try:
            return work()
        except sqlite3.Error as error:
            if fault_in(error) is StorageFault.BUSY or not self._spare.release():
                raise
            return work()

    async def _prove(self, size: int, *, is_check: bool = False) -> None:
        def prove(db: sqlite3.Connection) -> None:
            self._spare.reserve()
            db.execute("INSERT OR REPLACE INTO proof VALUES (1, zeroblob(?))", (size,))

        await self._run(prove, proves=True, is_check=is_check)

    async def _run(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        proves: bool = False,
        is_check: bool = False,
    ) -> T:
        def in_thread() -> T:
            with self._condition.observed(proves=proves, is_check=is_check):
                try:
                    return work(self._open())
                except sqlite3.Error as error:
                    if fault_in(error) is StorageFault.BROKEN:  # a new file may work
                        self._file.close()
                    raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_thread)

    def _open(self) -> sqlite3.Connection:
        # After a normal exit, SQLite has to create the files beside the database again.
        return self._with_room(self._file.open)
