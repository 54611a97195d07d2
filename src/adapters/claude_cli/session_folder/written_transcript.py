"""Writes a conversation as a transcript that the CLI resumes as turns.

Measured on 2.1.329: `--resume` gives the model exactly the turns of a file that the CLI has not
written itself. A file that ends with results of calls goes on without a prompt if the process has
`RESUMES_TURN` in its environment. The CLI then adds the text "Continue from where you left off."
behind the results; a shorter one is not possible. Without it the CLI waits for a prompt, and puts
an answer "No response requested." before it.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modegate.adapters.claude_cli.session_folder.disk_space import SPOKEN
from modegate.adapters.claude_cli.session_folder.moved_transcript import project_of
from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.adapters.claude_cli.session_folder.written_lines import Line, TranscriptLines
from modegate.adapters.claude_cli.session_folder.written_turns import (
    Block,
    missing_result,
    result_block,
    turns_of,
)
from modegate.domain.conversation.message import Message

# The variable that makes a process go on with a transcript whose last line is no answer. It asks
# the model at once, so the process must be sent its `initialize` request as it starts.
RESUMES_TURN: Mapping[str, str] = {"CLAUDE_CODE_RESUME_INTERRUPTED_TURN": "1"}


def write_history(
    folder: SessionDirectory, cli_session_id: str, messages: Sequence[Message]
) -> Path:
    """Writes the transcript of a new session from nothing, and returns its path.

    System messages are left out. A file that is there is replaced.

    Raises:
        OSError: the folder cannot be written.
    """
    path = folder.config / "projects" / project_of(folder.work) / f"{cli_session_id}.jsonl"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = TranscriptLines(cli_session_id, str(folder.work.resolve()))
    for role, blocks in turns_of(messages):
        lines.add(role, blocks)
    _write(path, lines.written, os.O_CREAT | os.O_TRUNC)
    return path


def append_results(path: Path, results: Sequence[Message]) -> None:
    """Appends the results of the calls with which the transcript's last answer ends.

    They are found by their ids. A call without one of the `results` keeps the result that the CLI
    has noted, or gets one that says that there is none. For the others, what the CLI has noted is
    no longer part of the conversation.

    Raises:
        LookupError: the transcript does not end with the calls of the results.
        OSError: the transcript cannot be read or written.
    """
    last, calls, noted = _open_calls(path)
    given = {str(it.call_id): it for it in results}
    if not given.keys() <= {*calls}:
        raise LookupError("the transcript ends with other calls")
    blocks = [
        result_block(call_id, given[call_id])
        if call_id in given
        else noted.get(call_id, missing_result(call_id))
        for call_id in calls
    ]
    lines = TranscriptLines(str(last["sessionId"]), str(last["cwd"]), after=str(last["uuid"]))
    lines.add("user", blocks)
    _write(path, lines.written, os.O_APPEND)


def _open_calls(path: Path) -> tuple[Line, list[str], Mapping[str, Block]]:
    """Returns the last line of the last answer, the ids of its calls, and their noted results."""
    said = [it for it in _lines_of(path) if it.get("type") in SPOKEN and not it.get("isSidechain")]
    answers = [it for it in said if it["type"] == "assistant"]
    own = [it for it in answers if _message_id(it) == _message_id(answers[-1])]
    calls = [str(block["id"]) for block in _blocks(own, "tool_use")]
    if not calls:
        raise LookupError("the transcript does not end with calls")
    noted = _blocks(said[said.index(own[0]) :], "tool_result")
    return own[-1], calls, {str(block["tool_use_id"]): block for block in noted}


def _lines_of(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        for line in file:
            try:
                found = json.loads(line)
            except ValueError:  # cut, because the process was killed as it wrote
                continue
            if isinstance(found, dict):
                yield found


def _message_id(line: Line) -> object:
    message = line.get("message")
    return message.get("id") if isinstance(message, dict) else None


def _blocks(lines: Sequence[Line], kind: str) -> Iterator[Block]:
    for line in lines:
        message = line.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and block.get("type") == kind:
                yield block


def _write(path: Path, lines: Sequence[Line], flags: int) -> None:
    data = b"".join(json.dumps(it, separators=(",", ":")).encode() + b"\n" for it in lines)
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        if flags & os.O_APPEND and _is_cut(file.fileno()):
            data = b"\n" + data
        while data:
            data = data[file.write(data) :]


def _is_cut(descriptor: int) -> bool:
    """Returns whether the file ends in the middle of a line."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
