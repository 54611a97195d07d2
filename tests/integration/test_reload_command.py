"""Reloads of `modegate serve`: by a signal, the command and the watch, alone and with workers."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as futures_wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.commands import Done, run
from support.serving import COLD, Serving, bare_environment, measured, serving, wait

from modegate.entrypoints.http.server.supervisor import EARLY_EXIT_S

ADMIN_KEY = "sk-admin-0123456789"
EVERY_LINE_WRONG = """
log_format = 3
rate_limit_per_ip = -1
session_ttl_ms = "soon"
api_keys = ["a b"]
unknown_key = 1
[models]
"our" = "gpt-4o"
[upstreams.kimi]
base_url = "kimi"
strategy = "best"
[[upstreams.kimi.credentials]]
id = "a"
key_env = "KIMI_KEY"
"""
PLACES = (
    *("log_format", "rate_limit_per_ip", "session_ttl_ms", "api_keys", "unknown_key", "models"),
    *("upstreams.kimi.base_url", "upstreams.kimi.strategy", "KIMI_KEY is not set"),
)


@dataclass(frozen=True)
class Served:
    """A running gateway and its settings file."""

    gateway: Serving
    file: Path

    def write(self, limit: int, more: str = "") -> None:
        """Replaces the file atomically."""
        text = f'admin_key = "{ADMIN_KEY}"\nrate_limit_per_ip = {limit}\n{more}'
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.replace(self.file)

    def limit(self) -> int:
        """The limit that a request sees."""
        with urllib.request.urlopen(f"{self.gateway.url}/v1/sessions", timeout=30) as response:
            return int(response.headers["x-ratelimit-limit"])

    def limits(self) -> set[int]:
        """The limits that requests to all workers see."""
        return {self.limit() for _ in range(24)}

    def admin(self, method: str, path: str) -> dict[str, Any]:
        request = urllib.request.Request(
            self.gateway.url + path, method=method, headers={"x-api-key": ADMIN_KEY}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            return {"status": error.code, **json.load(error)}

    def reload(self) -> dict[str, Any]:
        return self.admin("POST", "/admin/reload")

    def last(self) -> dict[str, Any]:
        return dict(self.admin("GET", "/admin/config")["last_reload"] or {})

    def command(self, *arguments: str) -> Done:
        port = self.gateway.address.partition(":")[2]
        host = {**self.gateway.environment, **measured(), "PORT": port, "ADMIN_KEY": ADMIN_KEY}
        return run("reload", "--config", str(self.file), *arguments, host=host)


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[Served]:
    file = folder / "gateway.toml"
    file.write_text(f'admin_key = "{ADMIN_KEY}"\nrate_limit_per_ip = 100000\n')
    environment = bare_environment(folder) | COLD | {"LOG_LEVEL": "warn"}
    options = ("--config", str(file), *arguments)
    with serving(*options, folder=folder, environment=environment) as gateway:
        yield Served(gateway, file)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("alone")) as running:
        yield running


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("workers"), "--workers", "3") as running:
        yield running


def test_the_command_prints_what_has_changed(alone: Served) -> None:
    alone.write(100_001, 'port = 1\nlog_level = "debug"\n[models]\n"our" = "opus"\n')
    done = alone.command()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "changed: models.our, rate_limit_per_ip",
        "fixed by the environment: log_level, port",
    ]
    assert alone.limit() == 100_001
    again = json.loads(alone.command("--json").stdout)
    assert (again["changed"], again["unchanged"]) == ([], True)
    assert alone.command().stdout.startswith("unchanged\n")


def test_what_needs_a_restart_is_named_until_then(alone: Served) -> None:
    alone.write(100_001, 'host = "localhost"\n')
    assert alone.reload()["needs_restart"] == ["host"]
    told = alone.reload()
    assert (told["needs_restart"], told["unchanged"]) == (["host"], True)
    config = alone.admin("GET", "/admin/config")
    (host,) = [it for it in config["settings"] if it["name"] == "host"]
    assert host == {"name": "host", "value": "127.0.0.1", "source": "default", "reloadable": False}
    assert config["needs_restart"] == ["host"]
    assert ADMIN_KEY not in json.dumps(config)


def test_a_file_that_is_wrong_in_every_line_changes_nothing_and_each_fault_is_told(
    alone: Served,
) -> None:
    alone.write(100_002)
    alone.reload()
    alone.file.write_text(EVERY_LINE_WRONG)
    answer = alone.reload()
    assert (answer["status"], answer["error"]["code"]) == (422, "invalid_configuration")
    message = answer["error"]["message"]
    assert [it for it in PLACES if it not in message] == []
    assert "a running gateway gets no new variables" in message
    done = alone.command()
    assert done.returncode == 1
    assert [it for it in PLACES if it not in done.stderr] == []
    assert all(line.startswith("modegate: ") for line in done.stderr.splitlines())
    assert alone.limit() == 100_002
    alone.write(100_003)
    assert alone.reload()["changed"] == ["rate_limit_per_ip"]


def test_sighup_reloads_and_never_ends_the_gateway(alone: Served) -> None:
    alone.write(100_004)
    alone.gateway.process.send_signal(signal.SIGHUP)
    wait(lambda: alone.limit() == 100_004)
    alone.file.write_text("half a l")
    for _ in range(20):
        alone.gateway.process.send_signal(signal.SIGHUP)
    wait(lambda: alone.last()["outcome"] == "invalid")
    assert alone.last()["trigger"] == "SIGHUP"
    assert alone.limit() == 100_004


def test_all_workers_reload_together(workers: Served) -> None:
    for number in range(5):
        limit = 200_000 + number
        workers.write(limit)
        assert workers.reload()["changed"] == ["rate_limit_per_ip"]
        assert workers.limits() == {limit}
        assert workers.reload()["unchanged"] is True
    workers.write(200_100)
    workers.gateway.process.send_signal(signal.SIGHUP)
    wait(lambda: workers.limits() == {200_100})
    workers.file.write_text("[")
    assert workers.reload()["status"] == 422
    assert workers.limits() == {200_100}


def test_a_worker_that_is_replaced_begins_with_the_last_configuration(workers: Served) -> None:
    workers.write(200_200)
    workers.reload()
    workers.admin("POST", "/admin/drain")
    workers.file.write_text("[")  # must not be read
    pids = children(workers)
    for pid in sorted(pids)[:2]:
        wait(lambda pid=pid: is_settled(pid))  # type: ignore[misc]
        os.kill(pid, signal.SIGKILL)
        wait(lambda pid=pid: len(children(workers) - {pid}) == 3)  # type: ignore[misc]
    states = [workers.gateway.ask("/health") or {} for _ in range(24)]
    assert {it["status"] for it in states} == {"draining"}
    assert workers.admin("DELETE", "/admin/drain") == {"draining": False}
    assert workers.limits() == {200_200}


def test_workers_that_cannot_agree_keep_the_old_configuration(workers: Served) -> None:
    workers.write(200_300)
    workers.reload()
    workers.write(200_301)
    stopped = max(children(workers))
    wait(lambda: is_settled(stopped))
    os.kill(stopped, signal.SIGSTOP)  # it accepts no connection, and prepares nothing
    with ThreadPoolExecutor(1) as pool:
        answering = pool.submit(workers.reload)
        done, _ = futures_wait([answering], timeout=1)
        assert not done
        os.kill(stopped, signal.SIGKILL)
        answer = answering.result(60)
    wait(lambda: len(children(workers) - {stopped}) == 3)
    if "status" in answer:  # else the worker was replaced before the others were asked
        assert answer["status"] == 422
        assert workers.limits() == {200_300}
    workers.reload()
    assert workers.limits() == {200_301}


def is_settled(pid: int) -> bool:
    """Whether the supervisor does not count the worker's end as a failed start."""
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - started / os.sysconf("SC_CLK_TCK") > EARLY_EXIT_S + 0.1


def children(served: Served) -> set[int]:
    """The pids of the workers."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "stat").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if status and int(status.rpartition(")")[2].split()[1]) == served.gateway.process.pid:
            found.add(int(entry.name))
    return found


def test_the_watch_takes_a_replaced_file_and_ignores_a_half_written_one(tmp_path: Path) -> None:
    with served(tmp_path, "--watch", "--workers", "2") as running:
        running.write(300_001)
        wait(lambda: running.limits() == {300_001})
        whole = running.file.read_text().replace("300001", "300002") + '[models]\n"our" = "opus"\n'
        with running.file.open("w") as file:
            file.flush()  # empty, which would be valid
            assert running.limits() == {300_001}
            file.write(whole[: len(whole) - 8])
            file.flush()
            wait(lambda: outcomes(running) >= {"invalid"})
            assert running.limits() == {300_001}
            os.utime(running.file)
            file.write(whole[len(whole) - 8 :])
        wait(lambda: running.limits() == {300_002})
        running.file.unlink()
        running.write(300_003)
        wait(lambda: running.limits() == {300_003})
        running.gateway.process.terminate()
        records = running.gateway.log()
    faults = [
        it for it in records if it["message"] == "configuration not reloaded, the old one stays"
    ]
    assert len(faults) == 1


def outcomes(running: Served) -> set[str]:
    return {running.last().get("outcome", "") for _ in range(8)}
