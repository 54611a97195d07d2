"""`modegate` as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modegate.testing.scripted_claude import ScriptedClaude, begin

MODEGATE = [sys.executable, "-m", "modegate"]


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """An environment with next to nothing in it."""
    measured = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    return measured | {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LOG_FORMAT": "json",
        "MODEGATE_STATE_DIR": str(tmp_path / "state"),
    }


def run(*arguments: str, host: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODEGATE, *arguments],
        env=host,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    *arguments: str, host: dict[str, str], folder: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    process = subprocess.Popen(
        [*MODEGATE, "serve", *arguments],
        env=host | {"PORT": str(port)},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: ask(f"{url}/live"))
        yield process, url
    finally:
        process.kill()
        process.communicate()


def ask(url: str, body: object = None, **headers: str) -> dict[str, object] | None:
    """The JSON at an address; None where nothing listens."""
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} | named)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))
    except OSError:
        return None


def wait(condition: object, seconds: float = 20.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def log_of(process: subprocess.Popen[str]) -> list[dict[str, object]]:
    _, told = process.communicate(timeout=15)
    return [json.loads(line) for line in told.splitlines()]


def test_it_starts_without_any_credentials_and_says_what_can_work(
    host: dict[str, str], tmp_path: Path
) -> None:
    with serving(host=host, folder=tmp_path) as (process, url):
        health = ask(f"{url}/health")
        assert health is not None
        process.send_signal(signal.SIGTERM)
        messages = [line["message"] for line in log_of(process)]
        assert process.returncode == 0
    assert any("passthrough: no key; set OPENAI_API_KEY" in str(text) for text in messages)
    assert any("claude code: no credentials; set ANTHROPIC_API_KEY" in str(x) for x in messages)
    assert any(url in str(text) for text in messages)


def test_offline_answers_in_both_modes_and_says_that_it_is_simulated(
    host: dict[str, str], tmp_path: Path
) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with serving("--offline", host=host, folder=tmp_path) as (process, url):
        health = ask(f"{url}/health")
        answers = [
            ask(f"{url}/v1/chat/completions", body, X_Claude_Code=mode) for mode in ("no", "yes")
        ]
        process.send_signal(signal.SIGINT)
        log_of(process)
        assert process.returncode == 0
    assert health is not None
    assert (health["status"], health["simulated"]) == ("ready", True)
    for answer in answers:
        assert "[simulated]" in json.dumps(answer)


def test_a_gateway_that_is_killed_takes_every_child_with_it(
    host: dict[str, str], tmp_path: Path
) -> None:
    claude = ScriptedClaude(tmp_path, *begin(), {"orphan": 300}, {"hang": 0})
    host |= {"CLAUDE_PATH": str(claude.path), "ANTHROPIC_API_KEY": "k"}
    body = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}
    with serving(host=host, folder=tmp_path) as (process, url):
        asking = threading.Thread(
            target=ask, args=(f"{url}/v1/chat/completions", body), kwargs={"X_Claude_Code": "1"}
        )
        asking.start()
        wait(lambda: claude.starts)
        group = int(str(claude.starts[0]["pid"]))
        wait(lambda: len(members(group)) == 2)
        process.kill()
        wait(lambda: not members(group), seconds=2)
        asking.join(10)


def members(group: int) -> list[int]:
    """The live processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == group:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [int(entry.name)] if state != "Z" else []
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def test_settings_that_cannot_be_used_stop_the_start(host: dict[str, str], tmp_path: Path) -> None:
    done = run("serve", host=host | {"PORT": "0", "LOG_LEVEL": "loud"}, folder=tmp_path)
    assert done.returncode == 2
    assert "PORT: " in done.stderr
    assert "LOG_LEVEL: " in done.stderr
    done = run("serve", "--config", "missing.toml", host=host, folder=tmp_path)
    assert done.returncode == 2
    assert "missing.toml does not exist" in done.stderr


def test_an_address_that_is_taken(host: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", host=host | {"PORT": port}, folder=tmp_path)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_config_show(host: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "modegate.toml").write_text('default_model = "opus"\n')
    key = "sk-proj-0123456789abcdef"
    done = run("config", "show", host=host | {"OPENAI_API_KEY": key}, folder=tmp_path)
    assert done.returncode == 0
    assert "default_model = opus  (modegate.toml)" in done.stdout
    assert "openai_api_key = sk-proj-****cdef  (environment)" in done.stdout
    assert key not in done.stdout


def test_usage(host: dict[str, str], tmp_path: Path) -> None:
    assert run("--help", host=host, folder=tmp_path).returncode == 0
    assert run("--version", host=host, folder=tmp_path).stdout.strip()
    assert run("nonsense", host=host, folder=tmp_path).returncode == 2


def test_the_demo_shows_both_modes_and_ends_by_itself(host: dict[str, str], tmp_path: Path) -> None:
    done = run("demo", host=host, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ("SIMULATED", "Passthrough, streaming", "Claude Code, streaming", "first token"):
        assert shown in done.stdout
    assert "model_not_found" in done.stdout


def test_the_demo_fails_where_something_is_missing(host: dict[str, str], tmp_path: Path) -> None:
    done = run("demo", host=host | {"CLAUDE_PATH": "/nonexistent"}, folder=tmp_path)
    assert done.returncode == 1
    assert "no claude executable" in done.stdout
