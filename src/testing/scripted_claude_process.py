"""The program of a scripted `claude` executable.

Usage: `python scripted_claude_process.py FOLDER [ARGUMENT…]`. It runs as a script, so it imports
only the standard library. `FOLDER/script.json` holds lists of steps: objects with one key. Every
start appends a line to `FOLDER/started.jsonl`. If `FOLDER/converses` exists, the process
answers several turns, like the real CLI, and appends a line for each to `FOLDER/turns.jsonl`.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FLOOD_LINE = 1000
HELP = (
    "--print --input-format --session-id --resume --effort --bare --allowedTools --restricted "
    "--permission-prompts --system-prompt-snapshot\n"
)
INTERRUPTED = threading.Event()
HEARD: list[str] = []


class InterruptedTurnError(Exception):
    """The turn was interrupted."""


def emit(event: object) -> None:
    """Writes a line of JSON to standard output."""
    write(json.dumps(event) + "\n")


def write(text: str) -> None:
    """Writes text to standard output."""
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(text: str) -> None:
    """Writes text to standard error."""
    sys.stderr.write(text)
    sys.stderr.flush()


def long_line(size: int) -> None:
    """Writes a line of JSON of about `size` bytes."""
    emit({"type": "system", "padding": "x" * size})


def flood(size: int) -> None:
    """Writes about `size` bytes in many lines."""
    for _ in range(size // FLOOD_LINE):
        long_line(FLOOD_LINE)


def hang(_: object) -> None:
    """Blocks until the process is killed or the turn is interrupted."""
    while True:
        if INTERRUPTED.wait(0.05):
            raise InterruptedTurnError


def ignore_sigterm(_: object) -> None:
    """Ignores SIGTERM from here on."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def orphan(seconds: float) -> None:
    """Starts a descendant that outlives the process and holds standard output and error open."""
    _start_sleeping(seconds)


def leave_process_group(seconds: float) -> None:
    """Starts a descendant in a new session, as the shells of the CLI's tools are."""
    closed = subprocess.DEVNULL
    process = _start_sleeping(seconds, stdout=closed, stderr=closed, start_new_session=True)
    _note(Path(sys.argv[1]) / "escaped.jsonl", process.pid)


def wait_for(path: str) -> None:
    """Blocks until the file exists."""
    while not Path(path).exists():
        time.sleep(0.005)


def recite(session: str) -> None:
    """Answers with every prompt that this process has received."""
    delta = {"type": "text_delta", "text": " ".join(HEARD)}
    for event in (
        {"type": "message_start", "message": {"id": "msg_1"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
    ):
        emit({"type": "stream_event", "session_id": session, "event": event})
    emit({"type": "result", "subtype": "success", "is_error": False, "session_id": session})


STEPS: Mapping[str, Callable[[Any], object]] = {
    "emit": emit,
    "write": write,
    "stderr": complain,
    "sleep": time.sleep,
    "long_line": long_line,
    "flood": flood,
    "flood_stderr": lambda size: complain(("x" * FLOOD_LINE + "\n") * (size // FLOOD_LINE)),
    "hang": hang,
    "ignore_sigterm": ignore_sigterm,
    "orphan": orphan,
    "leave_process_group": leave_process_group,
    "wait_for": wait_for,
    "recite": recite,
    "kill": signal.raise_signal,
    "exit": sys.exit,
}


def main(folder: Path, arguments: list[str]) -> None:
    """Records the start, then plays the script."""
    converses = (folder / "converses").exists()
    if "--help" in arguments:
        write(HELP if converses else "")
        return
    started = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "pid": os.getpid(),
        "input": "" if converses else sys.stdin.read(),
    }
    _note(folder / "started.jsonl", started)
    if converses:
        converse(folder)
    else:
        play(_script(folder, started["input"]))


def play(steps: list[dict[str, Any]]) -> None:
    """Runs the steps in order."""
    for step in steps:
        for name, value in step.items():
            STEPS[name](value)


def converse(folder: Path) -> None:
    """Answers turns in order until standard input ends."""
    turns: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(turns,), daemon=True).start()
    while (said := turns.get()) is not None:
        text = str(said["message"]["content"])
        HEARD.append(text)
        emit({"type": "command_lifecycle", "command_uuid": said["uuid"], "state": "started"})
        _note(folder / "turns.jsonl", {"pid": os.getpid(), "text": text})
        INTERRUPTED.clear()
        try:
            play(_script(folder, text))
        except InterruptedTurnError:
            emit({"type": "result", "subtype": "error_during_execution", "is_error": True})


def _listen(turns: "queue.Queue[dict[str, Any] | None]") -> None:
    """Answers control requests immediately and queues user messages."""
    refuses = Path(sys.argv[1]) / "refuses"
    refused = refuses.read_text() if refuses.exists() else ""
    for line in sys.stdin:
        said = json.loads(line)
        if said["type"] == "user":
            turns.put(said)
            continue
        if said["request"]["subtype"] == "interrupt":
            INTERRUPTED.set()
        subtype = "error" if said["request"]["subtype"] == refused else "success"
        answer = {"subtype": subtype, "request_id": said["request_id"]}
        emit({"type": "control_response", "response": answer | {"response": {"rewound": True}}})
    turns.put(None)


def _start_sleeping(seconds: float, **options: Any) -> "subprocess.Popen[bytes]":
    program = f"import time; time.sleep({float(seconds)})"
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", program], **options)  # noqa: S603


def _note(path: Path, fact: object) -> None:
    with path.open("a") as log:
        log.write(json.dumps(fact) + "\n")


def _script(folder: Path, said: object) -> list[dict[str, Any]]:
    """Returns the steps for a word in the prompt, or the default steps."""
    scripts = json.loads((folder / "script.json").read_text())
    for word, steps in scripts["for"].items():
        if word in str(said):
            return list(steps)
    return list(scripts["else"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
