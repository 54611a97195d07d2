"""The port for transcripts that several gateways share.

It has the form of the Claude Agent SDK's `SessionStore`, so that one written for the SDK can be
used, and its conformance suite serves. `TranscriptStore` is what one backend has on its machine.
"""

from collections.abc import Sequence
from typing import Any, NotRequired, Protocol, TypedDict

# One line of a transcript: a JSON object, which an archive returns equal and never interprets.
Entry = dict[str, Any]


class TranscriptKey(TypedDict):
    """Names a list of entries; without `subpath` it is the session's main one."""

    project_key: str
    session_id: str
    subpath: NotRequired[str]


class ArchivedSession(TypedDict):
    """A session with entries, and the time of the last `append` in milliseconds since the epoch."""

    session_id: str
    mtime: int


class TranscriptArchive(Protocol):
    """Keeps lists of entries. Each call is bounded in time.

    Raises:
        StorageError: from each call, if the archive cannot be used.
    """

    async def append(self, key: TranscriptKey, entries: list[Entry]) -> None:
        """Adds the entries to the list: all of them, or none. A no-op without entries."""
        ...

    async def load(self, key: TranscriptKey) -> list[Entry] | None:
        """Returns all entries in the order of their `append`; None for an unknown key."""
        ...

    async def list_sessions(self, project_key: str) -> Sequence[ArchivedSession]:
        """Returns the sessions of a project that have a main list, in any order."""
        ...

    async def delete(self, key: TranscriptKey) -> None:
        """Deletes the list; a main one with all lists of its session. Idempotent."""
        ...

    async def list_subkeys(self, key: TranscriptKey) -> Sequence[str]:
        """Returns the subpaths of a session's lists, without the main one."""
        ...
