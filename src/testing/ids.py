"""Predictable identifiers for tests."""

from itertools import count


class FakeIds:
    """Generates sequential ids: `chatcmpl-1`, `chatcmpl-2`, …, and session ids likewise."""

    def __init__(self) -> None:
        self._completions = count(1)
        self._sessions = count(1)

    def completion_id(self) -> str:
        """Returns the next id of an answer."""
        return f"chatcmpl-{next(self._completions)}"

    def session_id(self) -> str:
        """Returns the next version 4 UUID."""
        return f"00000000-0000-4000-8000-{next(self._sessions):012x}"
