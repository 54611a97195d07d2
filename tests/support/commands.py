"""Runs commands of `modegate` in separate processes."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.serving import MODEGATE

Done = subprocess.CompletedProcess[str]


def run(
    *arguments: str,
    host: Mapping[str, str],
    folder: Path | None = None,
    stdin: bytes | int | None = None,
    stdout: int = subprocess.PIPE,
) -> Done:
    """Runs the command until it exits; `stdin` is its input, or a descriptor to read from."""
    source: Any = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        [*MODEGATE, *arguments],
        env=host,
        cwd=folder or host["HOME"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
        start_new_session=True,
        **source,
    )
    return Done(done.args, done.returncode, (done.stdout or b"").decode(), done.stderr.decode())


def started(*arguments: str, host: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts the command and returns the running process with output pipes."""
    return subprocess.Popen(
        [*MODEGATE, *arguments],
        env=host,
        cwd=host["HOME"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
