"""Parses newline-delimited JSON (NDJSON), without I/O."""

import json

from modegate.domain.errors.catalogue import claude_code

WORDS_KEPT = 4096


class JsonLines:
    """Splits a child's output into lines and parses those that are JSON objects.

    `limit` bounds the bytes of one answer, and so the longest line.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._tail = bytearray()
        self.words = ""  # the end of the lines that are not JSON: messages for people

    def begin_answer(self) -> None:
        """Resets the byte count and the plain text for a new answer."""
        self._total = 0
        self.words = ""

    def feed(self, data: bytes) -> list[dict[str, object]]:
        """Returns the objects on the lines that `data` completes; skips other lines.

        Raises:
            OutputLimitError: the answer exceeds `limit` bytes.
        """
        self._total += len(data)
        if self._total > self._limit:
            raise claude_code.answer_too_long(self._limit)
        if b"\n" not in data:
            self._tail += data
            return []
        *lines, rest = (bytes(self._tail) + data).split(b"\n")
        self._tail = bytearray(rest)
        return [event for line in lines if (event := self._read(line)) is not None]

    def flush(self) -> list[dict[str, object]]:
        """Returns the object on a last line without a newline, if any."""
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
