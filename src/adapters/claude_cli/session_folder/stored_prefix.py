"""The file that says which stored conversations a session's folder holds."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from modegate.adapters.claude_cli.session_folder import turn_mark
from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.domain.session import Session
from modegate.lazy_dataclass import dataclass

NAME = "stored.json"
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredPrefix:
    """The first `size` bytes of the transcript, by their digest; `batches` are in the archive."""

    size: int = 0
    digest: str = sha256().hexdigest()
    batches: int = 0


NOTHING_STORED = StoredPrefix()


def read(folder: SessionDirectory) -> Mapping[str, StoredPrefix]:
    """Returns the prefixes by the versions that they are stored as; a damaged file counts as none.

    One with a turn that is to be stored later has the name of that turn, as `Session.unstored` has.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        found = json.loads(_path(folder).read_bytes())
        return {version: StoredPrefix(**fields) for version, fields in found.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def write(folder: SessionDirectory, prefixes: Mapping[str, StoredPrefix]) -> None:
    """Replaces the file.

    Raises:
        OSError: the file cannot be written.
    """
    path = _path(folder)
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps({version: asdict(it) for version, it in prefixes.items()}))
        new.rename(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def remove(folder: SessionDirectory) -> None:
    """Removes the file: the folder holds no conversation that is known. Idempotent.

    Raises:
        OSError: the file cannot be removed.
    """
    _path(folder).unlink(missing_ok=True)


def prefix_of(path: Path, size: int, batches: int) -> StoredPrefix:
    """Returns the prefix of a transcript.

    Raises:
        OSError: the transcript cannot be read.
    """
    return StoredPrefix(size, digest_of(path, size), batches)


def holds(folder: SessionDirectory, path: Path | None, version: str) -> bool:
    """Returns whether the transcript goes on from a stored conversation, or ends with it.

    A turn that is not settled does not count: its mark says where it began.

    Raises:
        OSError: the folder cannot be read.
    """
    prefix = read(folder).get(version)
    if prefix is None:
        return False
    if prefix == NOTHING_STORED:
        return True
    mark = turn_mark.read(folder)
    settled = prefix.size if mark is None or path is None else mark.sizes.get(path, 0)
    return path is not None and settled >= prefix.size and is_there(path, prefix)


def is_current(folder: SessionDirectory, session: Session) -> bool:
    """Returns whether the folder goes on from the conversation that the session's record names.

    Raises:
        OSError: the folder cannot be read.
    """
    path = transcript_of(folder, session.cli_session_id)
    if not session.transcript and session.turns and path is not None:
        # Its last turn was acknowledged by a gateway that stored none, which must be this one.
        return True
    return holds(folder, path, session.transcript)


def has_unstored(folder: SessionDirectory, session: Session) -> bool:
    """Returns whether the transcript holds the turn that `session.unstored` names.

    Raises:
        OSError: the folder cannot be read.
    """
    return holds(folder, transcript_of(folder, session.cli_session_id), session.unstored)


def is_there(path: Path, prefix: StoredPrefix) -> bool:
    """Returns whether the transcript begins with the prefix.

    Raises:
        OSError: the transcript cannot be read.
    """
    return digest_of(path, prefix.size) == prefix.digest


def digest_of(path: Path, size: int) -> str:
    """Returns the digest of the first `size` bytes; of fewer, if there are fewer."""
    digest = sha256()
    with path.open("rb") as file:
        while size > 0 and (data := file.read(min(size, CHUNK_BYTES))):
            digest.update(data)
            size -= len(data)
    return digest.hexdigest() if size == 0 else ""


def _path(folder: SessionDirectory) -> Path:
    return folder.config.parent / NAME


def transcript_of(folder: SessionDirectory, cli_session_id: str) -> Path | None:
    """Returns the session's transcript; None if there is none yet.

    Raises:
        OSError: the folder cannot be read.
    """
    own = [it for it in folder.transcripts() if it.stem == cli_session_id]
    return max(own, key=os.path.getmtime, default=None)
