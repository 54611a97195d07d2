"""Finds the `claude` executable."""

import importlib.util
import os
import shutil
import time
from pathlib import Path

# Seconds for which a found path is used without another search. A turn asks for it several times, and
# each search takes as long as the rest of a turn's decisions.
BELIEVED_S = 1.0


class Executable:
    """The `claude` executable, as `find_executable` finds it.

    One that was removed, or was missing, is searched for at once; one that was installed before it on
    the path is found after `BELIEVED_S`.
    """

    def __init__(self, configured: str | None, path: str | None) -> None:
        self._configured = configured
        self._path = path
        self._found: str | None = None
        self._believed_until = 0.0

    def find(self) -> str | None:
        """Returns the absolute path, or None if it is missing or not executable."""
        now = time.monotonic()
        if self._found is None or now >= self._believed_until or not _is_executable(self._found):
            self._found = find_executable(self._configured, self._path)
            self._believed_until = now + BELIEVED_S
        return self._found


def find_executable(configured: str | None, path: str | None = None) -> str | None:
    """Returns the configured path, else `claude` on `path`, else claude-agent-sdk's bundled one.

    Returns None if it is missing or not executable.
    """
    found = shutil.which(configured or "claude", path=path)
    if found is None:
        return None if configured else _bundled()
    return str(Path(found).absolute())  # children start in other folders


def _is_executable(path: str) -> bool:
    return Path(path).is_file() and os.access(path, os.X_OK)


def _bundled() -> str | None:
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is None or spec.origin is None:
        return None
    return shutil.which(str(Path(spec.origin).parent / "_bundled" / "claude"))
