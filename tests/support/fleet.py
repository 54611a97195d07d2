"""Runs several gateways, as an operator of a fleet does."""

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.serving import COLD, MODEGATE, bare_environment, free_port, wait

ADMIN = "sk-operator-of-the-fleet"
# Each request counts for the address of the load balancer or of the test.
SETTINGS = COLD | {
    "ADMIN_KEY": ADMIN,
    "RATE_LIMIT_PER_IP": "1000000",
    "RATE_LIMIT_PER_SESSION": "1000000",
    "MAX_CONCURRENT_PER_KEY": "1000000",
    "TRUSTED_PROXIES": "127.0.0.1",
}


class Member:
    """One gateway with its own state folder, on a port that it keeps over restarts."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *arguments: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {**bare_environment(folder), **SETTINGS, **settings}
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The pid of the running gateway."""
        assert self._process is not None
        return self._process.pid

    def begin(self) -> None:
        """Starts the gateway without waiting for it."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*MODEGATE, "serve", *self._arguments],
                env={**self.environment, "PORT": str(self.port)},
                cwd=self.folder,
                stderr=log,
                start_new_session=True,
            )

    def start(self) -> None:
        """Starts the gateway, and waits until it answers."""
        self.begin()
        self.wait_until_live()

    def wait_until_live(self) -> None:
        """Waits until the gateway answers; fails if it has exited."""
        process = self._process
        assert process is not None
        # Several gateways that start at once on two busy cores take a while.
        wait(lambda: process.poll() is not None or self.ask("/live"), 120)
        assert process.poll() is None, self.log()

    def stop(self) -> None:
        """Ends the gateway as an operator does; fails if it does not end well."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) == 0, self.log()
        self._process = None

    def kill(self) -> None:
        """Kills the gateway as a crash does; a no-op if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def ask(self, path: str, method: str = "GET", body: object = None) -> dict[str, Any] | None:
        """Returns the JSON of a request of the operator; None if nothing answers."""
        request = urllib.request.Request(
            f"http://{self.address}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))
        except OSError:
            return None

    def log(self) -> str:
        """Returns what the gateway has logged, over all its starts."""
        return (self.folder / "log").read_text()


@contextmanager
def fleet(
    folder: Path, number: int, settings: Mapping[str, str], *arguments: str
) -> Iterator[list[Member]]:
    """Runs gateways with the same settings, apart from `{number}` in a value, until the end."""
    members = [
        Member(
            folder / f"gateway-{it}",
            {name: value.replace("{number}", str(it)) for name, value in settings.items()},
            *arguments,
        )
        for it in range(1, number + 1)
    ]
    try:
        for member in members:
            member.begin()
        for member in members:
            member.wait_until_live()
        yield members
    finally:
        for member in members:
            member.kill()
