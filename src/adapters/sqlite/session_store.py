"""Sessions that outlive the process."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import TypeVar

from modegate.adapters.sqlite.database import open_database
from modegate.adapters.sqlite.holds import Holds
from modegate.domain.client import ClientId
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.session import Session, SessionId

T = TypeVar("T")

log = logging.getLogger(__name__)

FILE = "sessions.db"


class SqliteSessionStore:
    """Remembers sessions in a folder that several processes may share.

    Every statement runs in one thread of the store's own, never in the event loop. A commit survives
    the end of the process, however it comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sessions")
        self._closed = False
        self._database: sqlite3.Connection | None = None
        self._holds = Holds(folder / "sessions.lock")

    async def get(self, session_id: SessionId) -> Session | None:
        """The session, or None."""
        found = await self._select("SELECT * FROM sessions WHERE id = ?", session_id)
        return found[0] if found else None

    async def find(self, client: ClientId | None = None) -> list[Session]:
        """All sessions, or those of one client."""
        where, values = ("", ()) if client is None else ("WHERE client = ?", (client,))
        return await self._select(
            f"SELECT * FROM sessions {where} ORDER BY used_at DESC",  # noqa: S608 - ours
            *values,
        )

    async def put(self, session: Session) -> None:
        """Remember the session."""
        await self._change("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)", session)

    async def remove(self, session_id: SessionId) -> None:
        """Forget the session."""
        await self._run(lambda db: db.execute("DELETE FROM sessions WHERE id = ?", (session_id,)))

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        """Exclusive use of the id, among all processes that share the folder."""
        with _translated():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            taken = self._holds.take(session_id)
        if not taken:
            raise SessionBusyError
        try:
            yield
        finally:
            self._holds.release(session_id)

    async def aclose(self) -> None:
        """Close the database; once is enough, and twice does no harm."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()
        self._holds.close()

    async def _select(self, statement: str, *values: str) -> list[Session]:
        rows = await self._run(lambda db: db.execute(statement, values).fetchall())
        return [Session(*row) for row in rows]

    async def _change(self, statement: str, session: Session) -> None:
        await self._run(lambda db: db.execute(statement, astuple(session)))

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def in_thread() -> T:
            with _translated():
                return work(self._open())

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_thread)

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = open_database(self._folder / FILE)
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        log.error("sessions cannot be read or written: %s", error)  # noqa: TRY400
        raise StorageError(
            "The server cannot use what it keeps its sessions in: the operator has to check the "
            "folder MODEGATE_STATE_DIR and its disk."
        ) from error
