"""Room on the disk for what a turn adds to its session's folder."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# The CLI adds 5 kB to the transcript in a short turn, besides answer and prompt (2.1.329).
ROOM_BYTES = 128 * 1024
# With less room than this after a turn, the disk may have been full in it: more than the store, which
# writes the session's row then, may have freed for itself.
DOUBTFUL_BYTES = 512 * 1024
# It writes a prompt up to three times: as queued, as the message, and as the request that it sent.
COPIES = 3
NAME = "room"
ZEROS = memoryview(bytes(64 * 1024))
SPOKEN = frozenset({"user", "assistant"})


def room_for(prompt: str) -> int:
    """Bytes that a turn with this prompt may add."""
    return ROOM_BYTES + COPIES * len(prompt.encode("utf-8", "replace"))


def check_room(folder: Path, size: int) -> None:
    """Writes `size` bytes into the folder, and frees them again before they reach the disk.

    The CLI answers on a full disk as on any other, and loses the conversation silently (measured with
    2.1.329): its transcript ends in the middle of a line. So the room is tried before it is asked. A
    figure of the file system would know of no quota and no fault.

    Raises:
        OSError: there is no room, or the folder cannot be written.
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
    """Whether one of the files ends in the middle of a line."""
    for path in paths:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):
                return True
    return False


def has_answer(path: Path, begin: int) -> bool:
    """Whether what a transcript holds from the byte `begin` on is whole, and ends with an answer.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(begin)
        added = file.read()
    if not added.endswith(b"\n"):
        return False
    try:
        kinds = [_kind(line) for line in added.splitlines()]
    except ValueError:  # a line was cut, and another written behind it
        return False
    said = [kind for kind in kinds if kind in SPOKEN]
    return said[-1:] == ["assistant"]


def _kind(line: bytes) -> object:
    entry = json.loads(line)
    return entry.get("type") if isinstance(entry, dict) else None
