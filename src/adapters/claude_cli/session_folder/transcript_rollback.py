"""Restores a session's transcripts to their sizes before a turn."""

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from modegate.adapters.claude_cli.session_folder.disk_space import (
    check_room,
    has_answer,
    has_cut_line,
)
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
    storage_errors,
)

log = logging.getLogger(__name__)


async def mark(folder: SessionDirectory) -> Mapping[Path, int]:
    """Returns the current sizes of the transcripts, for `roll_back`.

    Raises:
        StorageError: the transcripts cannot be read.
    """
    with storage_errors():
        return await asyncio.to_thread(folder.transcripts)


async def roll_back(folder: SessionDirectory, sizes: Mapping[Path, int]) -> None:
    """Restores the transcripts to `sizes`, because the client will retry the failed turn.

    Works on a full disk. On a read-only disk it fails, and the failure is logged.
    """
    try:
        await asyncio.to_thread(_roll_back, folder, sizes)
    except OSError as error:
        log.error(  # noqa: TRY400
            "failed turn could not be removed from its conversation: %s", error.strerror
        )


async def is_doubtful(folder: SessionDirectory, size: int) -> bool:
    """Returns whether the transcript may lack the last turn.

    True if a line is cut, if `size` bytes do not fit, or if the folder cannot be read.
    """
    return await asyncio.to_thread(_is_doubtful, folder, size)


async def holds_turn(folder: SessionDirectory, sizes: Mapping[Path, int]) -> bool:
    """Returns whether a transcript holds the turn that began at `sizes`.

    Call it only after the turn's process has exited.
    """
    return await asyncio.to_thread(_holds_turn, folder, sizes)


def _roll_back(folder: SessionDirectory, sizes: Mapping[Path, int]) -> None:
    for path in folder.transcripts():
        if path in sizes:
            os.truncate(path, sizes[path])
        else:
            path.unlink(missing_ok=True)


def _is_doubtful(folder: SessionDirectory, size: int) -> bool:
    try:
        check_room(folder.config.parent, size)
        return has_cut_line(folder.transcripts())
    except OSError:
        return True


def _holds_turn(folder: SessionDirectory, sizes: Mapping[Path, int]) -> bool:
    try:
        return any(has_answer(path, sizes.get(path, 0)) for path in folder.transcripts())
    except OSError:
        return False
