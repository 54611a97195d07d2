"""Finds the `claude` executable."""

import importlib.util
import shutil
from pathlib import Path


def find_executable(configured: str | None, path: str | None = None) -> str | None:
    """Returns the configured path, else `claude` on `path`, else claude-agent-sdk's bundled one.

    Returns None if it is missing or not executable.
    """
    found = shutil.which(configured or "claude", path=path)
    if found is None:
        return None if configured else _bundled()
    return str(Path(found).absolute())  # children start in other folders


def _bundled() -> str | None:
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is None or spec.origin is None:
        return None
    return shutil.which(str(Path(spec.origin).parent / "_bundled" / "claude"))
