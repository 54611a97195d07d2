"""The CLI's own file, as a template for new session folders."""

import asyncio
import json
from pathlib import Path

from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory

CONFIG = ".claude.json"
# Keys of the CLI's own file that describe other sessions.
NOT_SHARED = ("projects",)


class ConfigTemplate:
    """Copies one `.claude.json` that the CLI has written to new folders.

    That saves the CLI the 15 ms to create it.
    """

    def __init__(self) -> None:
        self._content: bytes | None = None

    async def learn(self, folder: SessionDirectory) -> None:
        """Keeps the folder's file as the template; only the first readable one counts."""
        if self._content is None:
            self._content = await asyncio.to_thread(_content_of, folder.config / CONFIG)

    def copy_to(self, folder: SessionDirectory) -> None:
        """Writes the template into a new folder; a no-op while there is none.

        Raises:
            OSError: the file cannot be written.
        """
        if self._content is not None:
            (folder.config / CONFIG).write_bytes(self._content)


def _content_of(path: Path) -> bytes | None:
    try:
        found = json.loads(path.read_bytes())
        return json.dumps({k: v for k, v in found.items() if k not in NOT_SHARED}).encode()
    except (OSError, ValueError, AttributeError):
        return None
