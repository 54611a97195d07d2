"""A `claude` executable that plays a script, including faults."""

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modegate.testing import scripted_claude_process

Step = Mapping[str, object]

SESSION = "2cb703a8-f70b-4e7f-b4f6-d3b3a057d8e1"


class ScriptedClaude:
    """Writes an executable at `path` in the test's folder.

    The steps are those of `scripted_claude_process`, such as `{"emit": {…}}`, `{"hang": 0}` or
    `{"exit": 1}`. With `converses`, a process answers several turns and plays the steps for each.
    With `refuses`, it answers control requests of this subtype with an error.
    """

    def __init__(
        self, folder: Path, *steps: Step, converses: bool = False, refuses: str = ""
    ) -> None:
        self._folder = folder
        self._scripts: dict[str, Any] = {"for": {}, "else": ()}
        self.path = folder / "claude"
        program = shlex.join(
            [sys.executable, "-I", "-S", scripted_claude_process.__file__, str(folder)]
        )
        self.path.write_text(f'#!/bin/sh\nexec {program} "$@"\n')
        self.path.chmod(0o755)
        if converses:
            (folder / "converses").touch()
        if refuses:
            (folder / "refuses").write_text(refuses)
        self.script(*steps)

    def script(self, *steps: Step) -> None:
        """Sets the default steps from the next start on."""
        self._scripts["else"] = steps
        self._write()

    def script_for(self, word: str, *steps: Step) -> None:
        """Sets the steps for prompts that contain the word."""
        self._scripts["for"] = {**self._scripts["for"], word: steps}
        self._write()

    def _write(self) -> None:
        (self._folder / "script.json").write_text(json.dumps(self._scripts))

    @property
    def starts(self) -> list[dict[str, object]]:
        """Every start so far: arguments, environment, folder, pid and input."""
        return self._noted("started.jsonl")

    @property
    def turns(self) -> list[dict[str, object]]:
        """Every turn of conversing processes so far: text and pid."""
        return self._noted("turns.jsonl")

    @property
    def escaped_pids(self) -> list[int]:
        """The pids of descendants outside the process group."""
        return self._noted("escaped.jsonl")

    def _noted(self, name: str) -> list[Any]:
        log = self._folder / name
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def begin(session_id: str = SESSION) -> tuple[Step, ...]:
    """Returns the steps from the start of a turn to the start of its text."""
    return (
        {"emit": {"type": "system", "subtype": "init", "session_id": session_id}},
        _event(session_id, type="message_start", message={"id": "msg_1"}),
        _event(
            session_id,
            type="content_block_start",
            index=0,
            content_block={"type": "text", "text": ""},
        ),
    )


def word(text: str, session_id: str = SESSION) -> Step:
    """Returns a step that emits a piece of text."""
    delta = {"type": "text_delta", "text": text}
    return _event(session_id, type="content_block_delta", index=0, delta=delta)


def result(text: str, session_id: str = SESSION) -> Step:
    """Returns the step that ends a successful turn."""
    return {
        "emit": {
            "type": "result",
            "subtype": "success",
            "is_error": False,
            "session_id": session_id,
            "result": text,
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 10, "output_tokens": 2},
        }
    }


def answer(*words: str, session_id: str = SESSION) -> tuple[Step, ...]:
    """Returns the steps of a complete turn."""
    pieces = (word(text, session_id) for text in words)
    return (*begin(session_id), *pieces, result("".join(words), session_id))


def _event(session_id: str, **event: object) -> Step:
    return {"emit": {"type": "stream_event", "session_id": session_id, "event": event}}
