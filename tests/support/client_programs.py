"""Installs the clients that the tests run as programs, each set once, below `.cache`.

They are no dependencies of modegate: what they need may contradict what modegate needs. Their lock
files are in `tests/clients`.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.javascript import INSTALL, NO_NETWORK, check_node

CLIENTS = Path(__file__).parents[1] / "clients"
CACHE = Path(__file__).parents[2] / ".cache" / "clients"
# uv reports a registry that cannot be reached so.
UNREACHABLE = ("error sending request", "Failed to fetch", "dns error", *NO_NETWORK)


def python_clients() -> Path:
    """Returns the Python interpreter of an environment with the frameworks."""
    lock = CLIENTS / "requirements.lock"

    def install(folder: Path) -> None:
        uv = str(Path(sys.prefix) / "bin" / "uv")
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        sync = ("pip", "sync", "--quiet", "--require-hashes", "--python", str(folder))
        _run([uv, *sync, str(lock)])

    return _installed("python", (lock,), install) / "bin" / "python"


def npm_clients() -> Path:
    """Returns a folder with the npm packages; skips the test without npm."""
    check_node()
    files = [CLIENTS / name for name in ("package.json", "package-lock.json", ".npmrc")]

    def install(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        _run(INSTALL, folder)

    return _installed("npm", files, install)


def _installed(name: str, locks: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """Returns the folder of the set, which is installed there unless it is."""
    digest = hashlib.sha256(b"".join(it.read_bytes() for it in locks)).hexdigest()[:16]
    folder = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with _alone(CACHE / f"{name}.lock"):
        complete = folder / ".complete"
        if not complete.exists():
            for old in CACHE.glob(f"{name}-*"):
                shutil.rmtree(old)
            install(folder)
            complete.touch()
    return folder


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a lock against the other processes of the test run."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if any(word in done.stderr for word in UNREACHABLE):
        pytest.skip(f"{command[0]} cannot reach its registry")
    assert done.returncode == 0, done.stderr
