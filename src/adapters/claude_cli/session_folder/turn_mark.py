"""The file that marks a turn which is not settled yet, so that a later process can undo it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.lazy_dataclass import dataclass

NAME = "turn.json"


@dataclass(frozen=True, slots=True)
class TurnMark:
    """The sizes of the transcripts before the turn, and the mark of the process that runs it."""

    sizes: Mapping[Path, int]
    process: str


def read(folder: SessionDirectory) -> TurnMark | None:
    """Returns the mark of the turn that is not settled; None if there is none.

    An incomplete file counts as none: the gateway was killed before it sent the prompt.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        found = json.loads(_path(folder).read_bytes())
        sizes = {folder.config / name: int(size) for name, size in found["sizes"].items()}
        return TurnMark(sizes, str(found["process"]))
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        return None


def write(folder: SessionDirectory, mark: TurnMark) -> None:
    """Stores the mark; a kill of the gateway does not lose it, a power loss may.

    Raises:
        OSError: the file cannot be written.
    """
    sizes = {str(path.relative_to(folder.config)): size for path, size in mark.sizes.items()}
    try:
        _path(folder).write_text(json.dumps({"process": mark.process, "sizes": sizes}))
    except OSError:
        with suppress(OSError):
            remove(folder)
        raise


def remove(folder: SessionDirectory) -> None:
    """Removes the mark, because the turn is settled. Idempotent.

    Raises:
        OSError: the file cannot be removed.
    """
    _path(folder).unlink(missing_ok=True)


def _path(folder: SessionDirectory) -> Path:
    return folder.config.parent / NAME
