"""The lines of a transcript, each of which refers to the one before it."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

Line = dict[str, object]


class TranscriptLines:
    """Collects lines in `written`; `after` is the id of the line that they follow."""

    def __init__(self, cli_session_id: str, cwd: str, *, after: str | None = None) -> None:
        self.written: list[Line] = []
        self._fields: Line = {
            "sessionId": cli_session_id,
            "cwd": cwd,
            "isSidechain": False,
            "userType": "external",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        self._last = after

    def add(self, role: str, blocks: Sequence[object]) -> None:
        """Appends the message of a `user` or an `assistant`."""
        own = str(uuid.uuid4())
        message = {"role": role, "content": list(blocks)}
        line = {"type": role, "parentUuid": self._last, "uuid": own, **self._fields}
        self.written.append({**line, "message": message | _of_answer(role, own)})
        self._last = own


def _of_answer(role: str, own: str) -> Line:
    """Returns what the CLI expects of an answer; its tokens were counted elsewhere."""
    if role != "assistant":
        return {}
    return {
        "id": f"msg_{own.replace('-', '')[:24]}",
        "type": "message",
        "model": "history",
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
