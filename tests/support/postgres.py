"""Starts a PostgreSQL server of its own for tests, on a free port and in a temporary folder."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from support.serving import free_port, wait

# Debian does not put the programs on the PATH.
FOLDERS = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
SEARCHED = os.pathsep.join([*FOLDERS, os.environ.get("PATH", "")])
USER = "modegate"


class PostgresServer:
    """A server that can be stopped, killed and started again on the same port with its data."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data = folder / "data"
        self._sockets = folder
        self._account = _account()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address as the setting MODEGATE_LEDGER has it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def runs(self) -> bool:
        """Whether the server has been started, and not been stopped since."""
        return self._process is not None

    def create(self) -> None:
        """Creates the database's files, owned by the account that may run the server."""
        if "user" in self._account:
            shutil.chown(self._sockets, self._account["user"])
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", USER, "-A", "trust"]
        subprocess.run(
            [*command, "--no-sync", "--encoding", "UTF8", "--locale", "C"],
            check=True,
            capture_output=True,
            cwd=self._sockets,
            **self._account,
        )

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        options = ["-h", "127.0.0.1", "-k", str(self._sockets), "-c", "max_connections=200"]
        self._process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._sockets,
            **self._account,
        )
        wait(self._answers)

    def stop(self) -> None:
        """Ends the server; connections are closed."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Ends the server as a crash does, with all its processes; what was committed stays."""
        self._end(signal.SIGQUIT)

    def pause(self) -> None:
        """Makes the server hang, with the processes of its connections."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a hanging server go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        main = self._process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._process = None

    def _answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Serves until the context exits; skips the test if PostgreSQL is not installed.

    Its folder is not one of pytest's, which no other account may enter.
    """
    initdb = shutil.which("initdb", path=SEARCHED)
    if initdb is None:
        pytest.skip("the PostgreSQL server is not installed")
    with tempfile.TemporaryDirectory(prefix="modegate-postgres-") as folder:
        server = PostgresServer(Path(initdb).resolve().parent, Path(folder))
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _account() -> Mapping[str, Any]:
    """Returns the account for the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    pytest.skip("no account that may run PostgreSQL")
