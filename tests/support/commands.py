"""A command of `modegate` as a process of its own."""

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
    """Run it to its end; `stdin` is what it reads, or where from."""
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
    """The command while it runs, with pipes to read from."""
    return subprocess.Popen(
        [*MODEGATE, *arguments],
        env=host,
        cwd=host["HOME"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
