"""Reads what a turn has added to the transcript, and writes a transcript of another gateway."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from modegate.adapters.claude_cli.session_folder import stored_prefix, turn_mark
from modegate.adapters.claude_cli.session_folder.disk_space import ends_with_answer
from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.application.ports.transcript_archive import Entry

# The CLI names a project's folder by its working folder, shortened where it is longer (2.1.329).
LONGEST_PROJECT = 200
OTHER_CHARACTERS = re.compile(r"[^a-zA-Z0-9]")


class LargeTranscriptError(Exception):
    """The transcript exceeds the size up to which transcripts are stored."""


def added_entries(
    path: Path, size: int, *, most: int, with_answer: bool
) -> tuple[list[Entry], int] | None:
    """Returns the entries behind the first `size` bytes, and the size with them.

    Returns None while the CLI has not written all of them: a line is cut, or there is no answer
    at the end although there must be one.

    Raises:
        LargeTranscriptError: the transcript has more than `most` bytes.
        OSError: the transcript cannot be read.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > most:
            raise LargeTranscriptError
        file.seek(size)
        added = file.read()
    if not added.endswith(b"\n"):
        return None
    try:
        entries = [json.loads(line) for line in added.splitlines()]
    except ValueError:
        return None
    if not all(isinstance(it, dict) for it in entries):
        return None
    if with_answer and not ends_with_answer(entries):
        return None
    return entries, size + len(added)


def replace_transcript(
    folder: SessionDirectory,
    cli_session_id: str,
    version: str,
    batches: int,
    entries: Sequence[Entry],
) -> None:
    """Replaces all transcripts of the folder by a stored one.

    A gateway that is killed on the way leaves a folder that holds no known conversation.

    Raises:
        OSError: the folder cannot be written.
    """
    stored_prefix.remove(folder)
    projects = folder.config / "projects"
    if projects.exists():
        shutil.rmtree(projects)
    turn_mark.remove(folder)
    path = projects / project_of(folder.work) / f"{cli_session_id}.jsonl"
    path.parent.mkdir(mode=0o700, parents=True)
    data = b"".join(json.dumps(it, separators=(",", ":")).encode() + b"\n" for it in entries)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    prefix = stored_prefix.prefix_of(path, len(data), batches)
    stored_prefix.write(folder, {version: prefix})


def project_of(work: Path) -> str:
    """Returns the name of the folder that the CLI has for a working folder."""
    name = str(work.resolve())
    project = OTHER_CHARACTERS.sub(lambda it: "-" * (len(_utf_16(it[0])) // 2), name)
    if len(project) <= LONGEST_PROJECT:
        return project
    return f"{project[:LONGEST_PROJECT]}-{_base36(_hash(name))}"


def _hash(text: str) -> int:
    """Returns the CLI's hash of a path: that of Java's strings, over UTF-16, without its sign."""
    units = _utf_16(text)
    value = 0
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + low + (high << 8)) & 0xFFFFFFFF
    return abs(value - (1 << 32) if value >> 31 else value)


def _utf_16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
