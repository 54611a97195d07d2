"""Which options an executable knows."""

import asyncio
import logging
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from modegate.adapters.claude_cli.command import Features

# Seconds for an executable to say what it is.
PATIENCE = 10.0
OPTION = re.compile(r"(?<![\w-])--[a-zA-Z][a-zA-Z-]+")

log = logging.getLogger(__name__)


class FeatureProbe:
    """Asks each executable once, and again when it has changed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known: dict[tuple[str, int], Features] = {}
        self._asking = asyncio.Lock()

    async def ask(self, executable: str) -> Features:
        """What `--help` lists; nothing, which stands for everything, where it does not answer."""
        key = (executable, _changed_at(executable))
        async with self._asking:
            if key in self._known:
                return self._known[key]
            told = await told_by(executable, "--help", self._environment)
            features = Features(frozenset(OPTION.findall(told or "")))
            if told is None:
                log.warning("claude --help did not answer: every option is taken as known")
            else:
                self._known[key] = features
            return features


async def told_by(
    executable: str, option: Literal["--help", "--version"], environment: Mapping[str, str]
) -> str | None:
    """What an executable says of itself; None where it does not in time."""
    process = await asyncio.create_subprocess_exec(
        executable,
        option,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            text, _ = await process.communicate()
        return text.decode("utf-8", "replace")
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _changed_at(executable: str) -> int:
    return Path(executable).stat().st_mtime_ns
