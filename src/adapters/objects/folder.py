"""Objects as files of a folder, which gateways may share over a network."""

import asyncio
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

# A file that is being written; other gateways do not list it.
UNFINISHED = ".part"
# Levels of folders that sessions share, from the top.
SHARED_LEVELS = 2


class FolderObjects:
    """Files that only their owner can read, each renamed to its name once it is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, data: bytes) -> None:
        """Writes a file."""
        await asyncio.to_thread(self._put, self._folder / name, data)

    async def get(self, name: str) -> bytes | None:
        """Reads a file."""
        return await asyncio.to_thread(_read, self._folder / name)

    async def list(self, prefix: str) -> list[tuple[str, int]]:
        """Lists the files below a folder."""
        return await asyncio.to_thread(lambda: list(self._list(self._folder / prefix)))

    async def delete(self, names: Sequence[str]) -> None:
        """Removes files, and folders that are then empty."""
        await asyncio.to_thread(self._delete, [self._folder / name for name in names])

    def _put(self, path: Path, data: bytes) -> None:
        _make(path.parent)
        unfinished = path.with_name(f"{path.name}-{uuid.uuid4().hex}{UNFINISHED}")
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            unfinished.rename(path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise

    def _list(self, folder: Path) -> Iterator[tuple[str, int]]:
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):  # deleted meanwhile
                if path.suffix != UNFINISHED and path.is_file():
                    yield str(path.relative_to(self._folder)), path.stat().st_mtime_ns // 1_000_000

    def _delete(self, paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            for emptied in (folder, folder.parent):
                # Folders of a session only: another gateway may be writing into a shared one.
                if len(emptied.relative_to(self._folder).parts) > SHARED_LEVELS:
                    with suppress(OSError):  # it is not empty
                        emptied.rmdir()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _make(folder: Path) -> None:
    """Makes a folder and those above it; another gateway may remove an empty one meanwhile."""
    for missing in [*(it for it in reversed(folder.parents) if not it.exists()), folder]:
        missing.mkdir(mode=0o700, parents=True, exist_ok=True)
