"""Where the `claude` executable is."""

import importlib.util
import shutil
from pathlib import Path


def find_executable(configured: str | None, path: str | None = None) -> str | None:
    """The configured one, else `claude` on `path`, else the one that claude-agent-sdk carries.

    None where there is none, or where it may not be executed.
    """
    found = shutil.which(configured or "claude", path=path)
    if found is None:
        return None if configured else _bundled()
    return str(Path(found).absolute())  # children are started in folders of their own


def _bundled() -> str | None:
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is None or spec.origin is None:
        return None
    return shutil.which(str(Path(spec.origin).parent / "_bundled" / "claude"))
