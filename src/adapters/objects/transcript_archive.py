"""Transcripts as objects: one for each `append`."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from modegate.adapters.objects.objects import Objects
from modegate.application.ports.transcript_archive import (
    ArchivedSession,
    Entry,
    TranscriptKey,
)
from modegate.dialects.transcripts import decode_entries, encode_entries
from modegate.domain.errors.catalogue import storage
from modegate.domain.storage import StorageFault, fault_of

log = logging.getLogger(__name__)

# Main lists have a folder of their own, so that sessions are listed without their other lists.
MAIN, OTHER = "sessions", "parts"
# Objects that are read at once.
READS = 16
# Seconds of one call.
TIMEOUT_S = 10.0


class ObjectTranscriptArchive:
    """Names objects by the time of their `append`, so that they sort as they were appended.

    That is the order within a gateway; between gateways it depends on their clocks.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._last_ns = 0
        self._failure: str | None = None

    async def append(self, key: TranscriptKey, entries: list[Entry]) -> None:
        """Stores one object."""
        if not entries:
            return
        self._last_ns = max(time.time_ns(), self._last_ns + 1)
        name = f"{_folder(key)}/{self._last_ns:020}-{uuid.uuid4().hex[:8]}"
        data = await asyncio.to_thread(encode_entries, entries)
        async with self._errors():
            await self._objects.put(name, data)

    async def load(self, key: TranscriptKey) -> list[Entry] | None:
        """Reads all objects of the list."""
        async with self._errors():
            names = sorted(name for name, _ in await self._objects.list(_folder(key)))
            pieces = await self._read(names)
            entries = await asyncio.to_thread(lambda: [*map(decode_entries, pieces)])
        return [entry for piece in entries for entry in piece] or None

    async def list_sessions(self, project_key: str) -> list[ArchivedSession]:
        """Lists the objects of all main lists."""
        prefix = f"{_segment(project_key)}/{MAIN}"
        latest: dict[str, int] = {}
        async with self._errors():
            for name, mtime in await self._objects.list(prefix):
                session = _text(name.removeprefix(f"{prefix}/").partition("/")[0])
                latest[session] = max(mtime, latest.get(session, 0))
        return [ArchivedSession(session_id=it, mtime=mtime) for it, mtime in latest.items()]

    async def delete(self, key: TranscriptKey) -> None:
        """Deletes the objects of one list, or of the session."""
        folders = [_folder(key)] if key.get("subpath") else [_folder(key), _parts(key)]
        async with self._errors():
            for folder in folders:
                if names := [name for name, _ in await self._objects.list(folder)]:
                    await self._objects.delete(names)

    async def list_subkeys(self, key: TranscriptKey) -> Sequence[str]:
        """Lists the objects of all other lists."""
        prefix = _parts(key)
        async with self._errors():
            names = [name for name, _ in await self._objects.list(prefix)]
        return sorted({_text(it.removeprefix(f"{prefix}/").partition("/")[0]) for it in names})

    async def _read(self, names: Sequence[str]) -> list[bytes]:
        reading = asyncio.Semaphore(READS)

        async def read(name: str) -> bytes | None:
            async with reading:
                return await self._objects.get(name)

        found = await asyncio.gather(*map(read, names))
        return [it for it in found if it is not None]

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        """Bounds a call, converts its errors, and logs each that is not the one before."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                yield
        except TimeoutError as error:
            self._note("no answer in time")
            raise storage.archive_failed() from error
        except OSError as error:
            self._note(error.strerror or str(error))
            is_full = fault_of(error) is StorageFault.FULL
            raise (storage.full() if is_full else storage.archive_failed()) from error
        except ValueError as error:
            raise storage.archive_failed() from error
        self._note(None)

    def _note(self, failure: str | None) -> None:
        if failure is not None and failure != self._failure:
            log.error("archive of transcripts failed: %s", failure)
        elif failure is None and self._failure is not None:
            log.warning("archive of transcripts recovered")
        self._failure = failure


def _folder(key: TranscriptKey) -> str:
    if subpath := key.get("subpath"):
        return f"{_parts(key)}/{_segment(subpath)}"
    return f"{_segment(key['project_key'])}/{MAIN}/{_segment(key['session_id'])}"


def _parts(key: TranscriptKey) -> str:
    return f"{_segment(key['project_key'])}/{OTHER}/{_segment(key['session_id'])}"


def _segment(text: str) -> str:
    """Returns a text as one segment of a name, which `_text` reads."""
    return re.sub("[^A-Za-z0-9_-]", lambda it: "".join(f"={b:02X}" for b in it[0].encode()), text)


def _text(segment: str) -> str:
    return bytes.fromhex(
        re.sub("=(..)|(.)", lambda it: it[1] or it[2].encode().hex(), segment)
    ).decode()
