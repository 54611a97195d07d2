"""Bytes to JSON lines, without I/O."""

import json

from modegate.domain.errors import OutputLimitError

WORDS_KEPT = 4096


class JsonLines:
    """Cuts what a child writes into lines and reads those that are JSON objects.

    `limit` bounds all bytes of one answer, and so the longest line.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._tail = bytearray()
        self.words = ""  # the end of what was no JSON: the CLI's words to a person

    def begin_answer(self) -> None:
        """The bound counts anew."""
        self._total = 0
        self.words = ""

    def feed(self, data: bytes) -> list[dict[str, object]]:
        """The objects on the lines that `data` completes; other lines are passed over.

        Raises:
            OutputLimitError: there were more bytes than an answer may hold.
        """
        self._total += len(data)
        if self._total > self._limit:
            raise OutputLimitError(
                f"The answer is longer than {self._limit} bytes: ask for a shorter one."
            )
        if b"\n" not in data:
            self._tail += data
            return []
        *lines, rest = (bytes(self._tail) + data).split(b"\n")
        self._tail = bytearray(rest)
        return [event for line in lines if (event := self._read(line)) is not None]

    def flush(self) -> list[dict[str, object]]:
        """The object on a last line without a line's end."""
        return self.feed(b"\n") if self._tail else []

    def _read(self, line: bytes) -> dict[str, object] | None:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            self.words = f"{self.words}\n{line[:WORDS_KEPT].decode('utf-8', 'replace')}"[
                -WORDS_KEPT:
            ]
            return None
        return event if isinstance(event, dict) else None
