"""A `claude` executable that keeps its conversations as the real one does, and recites them.

It runs as a script, so it imports only the standard library. Each answer is the list of all prompts
of the conversation, in JSON. An answer to a prompt with `HANG` ends only when it is interrupted.
"""

import json
import os
import queue
import re
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

HELP = "--print --input-format --session-id --resume --effort"
INTERRUPTED = threading.Event()


def emit(**event: object) -> None:
    """Writes an event."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class Conversation:
    """A conversation in its transcript."""

    def __init__(self, session: str, *, resume: bool) -> None:
        project = re.sub("[^a-zA-Z0-9]", "-", str(Path.cwd()))
        projects = Path(os.environ["CLAUDE_CONFIG_DIR"]) / "projects"
        self._session = session
        # The real one also finds a conversation that began in another working folder.
        begun = [*projects.glob(f"*/{session}.jsonl")] if resume else []
        self._transcript = begun[0] if begun else projects / project / f"{session}.jsonl"
        self._heard: list[str] = []
        if not resume:
            return
        if not self._transcript.exists():
            sys.exit(f"No conversation found with session ID: {session}")
        entries = map(json.loads, self._transcript.read_text().splitlines())
        self._heard = [it["message"]["content"] for it in entries if it["type"] == "user"]

    def answer(self, said: dict[str, Any]) -> None:
        """Answers a prompt, or waits until it is interrupted."""
        emit(type="command_lifecycle", command_uuid=said["uuid"], state="started")
        text = said["message"]["content"]
        self._heard.append(text)
        self._write("user", text)
        emit(type="system", subtype="init", session_id=self._session)
        words = json.dumps(self._heard)
        for event in (
            {"type": "message_start", "message": {"id": "msg_1"}},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            },
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": words},
            },
        ):
            emit(type="stream_event", session_id=self._session, event=event)
        is_cut = "HANG" in text
        if is_cut:
            INTERRUPTED.wait()
        self._write("assistant", words)
        emit(
            type="result",
            subtype="error_during_execution" if is_cut else "success",
            is_error=is_cut,
            session_id=self._session,
            result=words,
            stop_reason="end_turn",
            usage={"input_tokens": 1, "output_tokens": 1},
        )

    def _write(self, kind: str, text: str) -> None:
        self._transcript.parent.mkdir(parents=True, exist_ok=True)
        message = {"role": kind, "content": text}
        entry = {"type": kind, "uuid": str(uuid.uuid4()), "message": message}
        with self._transcript.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def listen(turns: "queue.Queue[dict[str, Any] | None]") -> None:
    """Answers control requests immediately and queues prompts."""
    for line in sys.stdin:
        said = json.loads(line)
        if said["type"] == "user":
            turns.put(said)
            continue
        if said["request"]["subtype"] == "interrupt":
            INTERRUPTED.set()
        answer = {"subtype": "success", "request_id": said["request_id"]}
        emit(type="control_response", response=answer | {"response": {"rewound": False}})
    turns.put(None)


def main() -> None:
    """Answers prompts until standard input ends."""
    if "--help" in sys.argv:
        sys.stdout.write(HELP)
        return
    options = dict(it.split("=", 1) for it in sys.argv if "=" in it)
    resumed = options.get("--resume")
    conversation = Conversation(resumed or options["--session-id"], resume=resumed is not None)
    turns: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=listen, args=(turns,), daemon=True).start()
    while (said := turns.get()) is not None:
        INTERRUPTED.clear()
        conversation.answer(said)


if __name__ == "__main__":
    main()
