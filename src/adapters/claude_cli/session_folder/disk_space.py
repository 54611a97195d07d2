"""Disk space for what a turn adds to its session's folder."""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

# Bytes for a turn besides its prompt. A short turn adds 5 kB to the transcript, besides answer and
# prompt (2.1.329).
ROOM_BYTES = 128 * 1024
# With less space than this after a turn, the disk may have been full during it. It exceeds what the
# session store, which then writes the session's row, may have freed for itself.
DOUBTFUL_BYTES = 512 * 1024
# The CLI writes a prompt up to three times: queued, as the message, and as the request sent.
COPIES = 3
NAME = "room"
ZEROS = memoryview(bytes(64 * 1024))
SPOKEN = frozenset({"user", "assistant"})


def room_for(prompt: str, media_bytes: int = 0) -> int:
    """Returns the number of bytes that a turn may add; images and files are stored in base64."""
    encoded = media_bytes * 4 // 3
    return ROOM_BYTES + COPIES * (len(prompt.encode("utf-8", "replace")) + encoded)


def check_room(folder: Path, size: int) -> None:
    """Writes `size` bytes into the folder, and deletes them before they reach the disk.

    On a full disk the CLI answers as usual, but loses the conversation silently. Its transcript
    then ends in the middle of a line (measured with 2.1.329). So the check runs before the prompt
    is sent. Free space as reported by the file system ignores quotas and faults.

    Raises:
        OSError: there is too little space, or the folder cannot be written.
    """
    path = folder / NAME
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _allocate(descriptor, size)
        finally:
            os.close(descriptor)
    finally:
        with suppress(OSError):
            path.unlink()


def _allocate(descriptor: int, size: int) -> None:
    """Writes zeros: 20 us for 128 KiB, where `posix_fallocate` takes 4 ms on ext4 (measured)."""
    while size > 0:
        size -= os.write(descriptor, ZEROS[:size])


def has_cut_line(paths: Iterable[Path]) -> bool:
    """Returns whether one of the files ends in the middle of a line."""
    for path in paths:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):
                return True
    return False


def has_answer(path: Path, begin: int) -> bool:
    """Returns whether a transcript is complete from byte `begin` on, and ends with an answer.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(begin)
        added = file.read()
    if not added.endswith(b"\n"):
        return False
    try:
        return ends_with_answer([json.loads(line) for line in added.splitlines()])
    except ValueError:  # a line was cut, and another was appended to it
        return False


def ends_with_answer(entries: Sequence[object]) -> bool:
    """Returns whether the last message among the entries is an answer."""
    kinds = (entry.get("type") for entry in entries if isinstance(entry, dict))
    said = [kind for kind in kinds if kind in SPOKEN]
    return said[-1:] == ["assistant"]
