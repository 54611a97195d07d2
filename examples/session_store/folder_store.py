"""A custom session store that writes JSON files to a folder."""

import fcntl
import json
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from heapq import nsmallest
from pathlib import Path

from modegate.domain.access.client import ClientId
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.session import Session, SessionId


class FolderSessionStore:
    """Stores one file per session; a hold is a kernel lock, which ends with its process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def get(self, session_id: SessionId) -> Session | None:
        return next(iter(await to_thread(self._read, f"{session_id}.json")), None)

    async def find(self, client: ClientId | None = None) -> list[Session]:
        found = [it for it in await to_thread(self._read, "*.json") if client in (None, it.client)]
        return sorted(found, key=lambda session: session.used_at, reverse=True)

    async def find_by_history(self, history: str, limit: int) -> list[Session]:
        # Reads every file: a store with many sessions should have an index.
        found = [it for it in await self.find() if history and it.history == history]
        return found[:limit]

    async def count(self) -> int:
        return await to_thread(lambda: sum(1 for _ in self._folder.glob("*.json")))

    async def find_expired(
        self,
        *,
        used_until: float,
        created_until: float,
        limit: int,
        after: SessionId | None = None,
    ) -> list[SessionId]:
        def expired() -> Iterator[SessionId]:
            for path in self._folder.glob("*.json"):
                if after is None or path.stem > after:
                    for it in self._read(path.name):
                        if it.used_at <= used_until or it.created_at <= created_until:
                            yield it.id

        return await to_thread(lambda: nsmallest(limit, expired()))

    async def find_unknown(self, ids: Sequence[SessionId]) -> list[SessionId]:
        return [it for it in ids if not (self._folder / f"{it}.json").exists()]

    async def put(self, session: Session) -> None:
        new = self._folder / f"{session.id}.new"
        await to_thread(new.write_text, json.dumps(asdict(session)))
        await to_thread(new.replace, new.with_suffix(".json"))

    async def reserve(self, session: Session) -> None:
        proof = self._folder / f"{session.id}.proof"  # not .json: `get` and `find` do not see it
        try:
            await to_thread(proof.write_text, json.dumps(asdict(session)))
        except OSError as error:
            raise StorageError("The folder cannot be written: check its disk.") from error
        finally:
            await to_thread(proof.unlink, missing_ok=True)

    async def remove(self, session_id: SessionId) -> None:
        await to_thread((self._folder / f"{session_id}.json").unlink, missing_ok=True)

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        with (self._folder / f"{session_id}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SessionBusyError("Another request is using this session.") from None
            yield

    def _read(self, pattern: str) -> list[Session]:
        return [Session(**json.loads(path.read_text())) for path in self._folder.glob(pattern)]
