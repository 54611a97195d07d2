"""Restores a session's transcripts to their sizes before a turn."""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from modegate.adapters.claude_cli.session_folder import turn_mark
from modegate.adapters.claude_cli.session_folder.disk_space import (
    check_room,
    has_answer,
    has_cut_line,
)
from modegate.adapters.claude_cli.session_folder.open_calls import size_to_calls
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
    storage_errors,
)
from modegate.adapters.claude_cli.session_folder.turn_mark import TurnMark

log = logging.getLogger(__name__)


async def mark(folder: SessionDirectory, process: str | None = None) -> Mapping[Path, int]:
    """Returns the sizes of the transcripts before a turn, for `roll_back`.

    With the mark of a `process` the sizes are also stored, until `keep` or `roll_back`. So a later
    gateway can undo the turn if this one is killed.

    Raises:
        StorageError: the transcripts cannot be read, or the sizes cannot be stored.
    """
    with storage_errors():
        return await asyncio.to_thread(_mark, folder, process)


async def mark_calls(
    folder: SessionDirectory, call_ids: Collection[str], process: str
) -> Mapping[Path, int]:
    """Stores and returns the sizes of the transcripts up to the calls with these ids.

    The next part of a turn is undone to there. Empty if the CLI has not written the calls yet.

    Raises:
        StorageError: the transcripts cannot be read, or the sizes cannot be stored.
    """
    with storage_errors():
        return await asyncio.to_thread(_mark_calls, folder, call_ids, process)


async def roll_back_to_calls(folder: SessionDirectory, call_ids: Collection[str]) -> None:
    """Cuts the transcript behind the calls with these ids; their results can then be appended.

    A failure is handled as by `roll_back`.
    """
    sizes = await asyncio.to_thread(_sizes_to_calls, folder, call_ids)
    await roll_back(folder, sizes or await asyncio.to_thread(folder.transcripts))


async def keep(folder: SessionDirectory) -> None:
    """Makes the marked turn final; logs a failure."""
    try:
        await asyncio.to_thread(turn_mark.remove, folder)
    except OSError as error:
        log.error("mark of an answered turn could not be removed: %s", error.strerror)  # noqa: TRY400


async def roll_back(folder: SessionDirectory, sizes: Mapping[Path, int]) -> None:
    """Restores the transcripts to `sizes`, because the client will retry the failed turn.

    Works on a full disk. On a read-only disk it fails, and the failure is logged. A stored mark
    then stays, and the next turn tries again.
    """
    try:
        await asyncio.to_thread(_roll_back, folder, sizes)
    except OSError as error:
        log.error(  # noqa: TRY400
            "failed turn could not be removed from its conversation: %s", error.strerror
        )


async def undo_marked(folder: SessionDirectory, kill: Callable[[str], object]) -> None:
    """Undoes the turn whose mark is stored, if any; the folder must be locked.

    `kill` ends the process with the given mark first, which may still write to the transcript. The
    mark is that of a killed gateway, or of an undone turn whose process has ended since.

    Raises:
        StorageError: the transcripts cannot be restored.
    """
    with storage_errors():
        if left := await asyncio.to_thread(_undo_marked, folder, kill):
            log.info("turn that was not settled was removed from session %s", left)


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


def _mark(folder: SessionDirectory, process: str | None) -> Mapping[Path, int]:
    if process is None:
        return folder.transcripts()
    before = turn_mark.read(folder)
    if before is not None and before.process == process:
        # The process has undone its last turn, and may not have written that yet: up to 0.1 s pass
        # until then (2.1.329). To remove this turn, the transcript must be cut before the last one.
        return before.sizes
    sizes = folder.transcripts()
    turn_mark.write(folder, TurnMark(sizes, process))
    return sizes


def _mark_calls(
    folder: SessionDirectory, call_ids: Collection[str], process: str
) -> Mapping[Path, int]:
    sizes = _sizes_to_calls(folder, call_ids)
    if sizes:
        turn_mark.write(folder, TurnMark(sizes, process))
    return sizes


def _sizes_to_calls(folder: SessionDirectory, call_ids: Collection[str]) -> Mapping[Path, int]:
    for path in folder.transcripts():
        if size := size_to_calls(path, call_ids):
            return {**folder.transcripts(), path: size}
    return {}


def _undo_marked(folder: SessionDirectory, kill: Callable[[str], object]) -> str | None:
    left = turn_mark.read(folder)
    if left is None:
        return None
    kill(left.process)
    _roll_back(folder, left.sizes)
    return folder.config.parent.name


def _roll_back(folder: SessionDirectory, sizes: Mapping[Path, int]) -> None:
    for path, size in folder.transcripts().items():
        if path in sizes:
            os.truncate(path, min(size, sizes[path]))
        else:
            path.unlink(missing_ok=True)
    turn_mark.remove(folder)


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
