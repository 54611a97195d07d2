"""Finds calls of tools in a transcript."""

import json
from collections.abc import Collection
from pathlib import Path

from modegate.adapters.claude_cli.session_folder import stored_prefix
from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.domain.session import Session


def size_to_calls(path: Path, call_ids: Collection[str]) -> int:
    """Returns the size of the transcript up to the last line that holds one of the calls.

    Returns 0 if none of its lines does.

    Raises:
        OSError: the file cannot be read.
    """
    wanted = [call_id.encode() for call_id in call_ids]
    found = size = 0
    with path.open("rb") as file:
        for line in file:
            size += len(line)
            if any(it in line for it in wanted) and _calls(line) & {*call_ids}:
                found = size
    return found


def ends_with_calls(
    folder: SessionDirectory, session: Session, call_ids: Collection[str], *, moves: bool
) -> bool | None:
    """Returns whether the session's transcript ends with one of the calls.

    None without a transcript, and where it `moves`, also if it has gone on elsewhere. The CLI writes
    it about 0.1 s after its answer (2.1.329).

    Raises:
        OSError: the folder cannot be read.
    """
    path = stored_prefix.transcript_of(folder, session.cli_session_id)
    if path is None or (moves and not stored_prefix.is_current(folder, session)):
        return None
    return last_answer_calls(path, call_ids)


def last_answer_calls(path: Path, call_ids: Collection[str]) -> bool:
    """Returns whether the last answer in the transcript makes one of the calls.

    Raises:
        OSError: the file cannot be read.
    """
    size = size_to_calls(path, call_ids)
    if not size:
        return False
    with path.open("rb") as file:
        file.seek(size)
        return not any(b'"assistant"' in line and _is_answer(line) for line in file)


def _is_answer(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    is_main = isinstance(entry, dict) and not entry.get("isSidechain")
    return is_main and entry.get("type") == "assistant"


def _calls(line: bytes) -> set[str]:
    """Returns the ids of the calls on a line of the model's."""
    try:
        entry = json.loads(line)
    except ValueError:  # cut
        return set()
    if not isinstance(entry, dict) or entry.get("type") != "assistant":
        return set()
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return {
        str(block.get("id"))
        for block in (content if isinstance(content, list) else ())
        if isinstance(block, dict) and block.get("type") == "tool_use"
    }
