"""Identifiers that a test can foretell."""

from itertools import count


class FakeIds:
    """Counts: `chatcmpl-1`, and session ids that end in 1, then 2, and so on."""

    def __init__(self) -> None:
        self._completions = count(1)
        self._sessions = count(1)

    def completion_id(self) -> str:
        """The next id of an answer."""
        return f"chatcmpl-{next(self._completions)}"

    def session_id(self) -> str:
        """The next UUID of version 4."""
        return f"00000000-0000-4000-8000-{next(self._sessions):012x}"
