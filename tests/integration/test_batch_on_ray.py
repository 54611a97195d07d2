"""`modegate batch run --ray` on a real cluster on this machine, with a worker killed on the way."""

import json
import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest
from support.commands import run
from support.serving import MODEGATE, bare_environment, wait

pytest.importorskip("ray", reason="Ray is not installed")

TOTAL = 300
# Ray gives up if its agent has not started within 15 s, as on a busy machine:
# https://github.com/ray-project/ray/issues/65983
STARTS = 3


def _write_requests(path: Path) -> None:
    with path.open("w") as file:
        for number in range(TOTAL):
            messages = [{"role": "user", "content": f"Request {number}"}]
            line = {
                "custom_id": f"r-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": "gpt-4o", "messages": messages},
            }
            file.write(json.dumps(line) + "\n")


def _workers(session: int) -> list[int]:
    """Returns the PIDs of the actors of the clusters that a session's driver has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if b"ray::BatchWorker" in name and b"MODEGATE_TEST=%d\0" % session in environment:
                found.append(int(entry.name))
    return found


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _has_begun(driver: subprocess.Popen[str], results: Path) -> bool:
    return _lines(results) > 5 or driver.poll() is not None


@pytest.mark.exhaustive
@pytest.mark.timeout(400)
def test_a_killed_workers_requests_are_answered_by_another(tmp_path: Path) -> None:
    _write_requests(tmp_path / "requests.jsonl")
    results = tmp_path / "results.jsonl"
    mark = os.getpid()
    host = bare_environment(tmp_path) | {"MODEGATE_TEST": str(mark)}
    command = ("batch", "run", "requests.jsonl", "-o", "results.jsonl", "--offline")
    options = (*command, "--ray", "local", "--concurrency", "2")
    for _ in range(STARTS):
        with subprocess.Popen(
            [*MODEGATE, *options], env=host, cwd=tmp_path, stderr=subprocess.PIPE, text=True
        ) as driver:
            wait(partial(_has_begun, driver, results), seconds=150)
            if driver.poll() is None:
                os.kill(_workers(mark)[0], signal.SIGKILL)
            _, told = driver.communicate(timeout=200)
        if "timed out during startup" not in told:
            break
    else:
        pytest.skip("the machine is too busy for a Ray cluster, whose agent has 15 s to start")
    assert driver.returncode == 0, told
    found = [json.loads(line) for line in results.read_text().splitlines()]
    assert sorted(it["custom_id"] for it in found) == sorted(f"r-{it}" for it in range(TOTAL))
    assert {it["response"]["status_code"] for it in found} == {200}
    wait(lambda: not _workers(mark))


def test_a_missing_package_is_a_clear_error(tmp_path: Path) -> None:
    _write_requests(tmp_path / "requests.jsonl")
    (tmp_path / "ray.py").write_text("raise ModuleNotFoundError('ray')")
    host = bare_environment(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    done = run("batch", "run", "requests.jsonl", "-o", "out.jsonl", "--ray", "auto", host=host)
    assert done.returncode == 2
    assert 'Ray is not installed: pip install "modegate[ray]"' in done.stderr
