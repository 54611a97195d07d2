"""Tests the container files as far as possible without a container runtime."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.packaging import ROOT, UV, copy_sources, execute, install, unreached
from support.serving import bare_environment, free_port, serving

DOCKERFILE = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
# One instruction per line, as the build reads them.
INSTRUCTIONS = [
    line.split(maxsplit=1) for line in re.sub(r"\\\n\s*", " ", DOCKERFILE).splitlines() if line
]

PATH = f"{UV.parent}:{os.environ['PATH']}"


def instructions(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def test_files_copied_by_the_dockerfile_exist_and_are_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for copied in instructions("COPY"):
        if copied.startswith("--from"):
            continue
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored


@pytest.mark.exhaustive
def test_the_dockerfile_build_steps_produce_a_working_install(tmp_path: Path) -> None:
    lock, build = instructions("RUN")[:2]
    source = copy_sources(tmp_path / "build")
    cut = execute(["/bin/sh", "-eu", "-c", lock.partition("&& pip")[0]], source)
    assert cut.returncode == 0, cut.stderr
    only_uv = (source / "uv.lock").read_text()
    assert only_uv.count("==") == 1
    assert "--hash=sha256:" in only_uv
    build = build.replace("/opt/modegate", str(tmp_path / "opt")).replace("--no-cache ", "")
    install(
        ["/bin/sh", "-eu", "-c", build],
        source,
        {"PATH": PATH},
    )
    (entry,) = map(json.loads, instructions("ENTRYPOINT"))
    found = execute([str(tmp_path / "opt" / "bin" / entry[0]), "doctor"], tmp_path)
    assert "knows every option that modegate uses" in found.stdout


def test_the_docker_build_rejects_a_package_with_a_wrong_hash(tmp_path: Path) -> None:
    source = copy_sources(tmp_path / "build")
    lock = source / "requirements.lock"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock.read_text()))
    build = instructions("RUN")[1].replace("/opt/modegate", str(tmp_path / "opt"))
    done = execute(
        ["/bin/sh", "-eu", "-c", build.replace("--no-cache ", "")],
        source,
        {**os.environ, "PATH": PATH},
    )
    assert done.returncode != 0
    if unreached(done):
        pytest.skip("the package registry cannot be reached")
    assert "hash mismatch" in done.stderr.lower()


def test_the_container_health_check_passes_only_for_a_working_gateway(tmp_path: Path) -> None:
    check = json.loads(instructions("HEALTHCHECK")[0].partition("CMD")[2])
    assert check[0] == "python"

    def status(port: str) -> int:
        environment = {"PORT": port, "HTTP_PROXY": "http://127.0.0.1:9"}
        return subprocess.run(
            [sys.executable, *check[1:]], env=environment, capture_output=True, check=False
        ).returncode

    assert status(str(free_port())) != 0
    with serving("--offline", folder=tmp_path) as running:
        assert status(running.address.partition(":")[2]) == 0
    with serving(folder=tmp_path, environment=_without_backends(tmp_path)) as running:
        assert status(running.address.partition(":")[2]) != 0


def _without_backends(folder: Path) -> dict[str, str]:
    switched_off = {"OPENAI_PASSTHROUGH_ENABLED": "false", "CLAUDE_PATH": "/nowhere"}
    return bare_environment(folder) | switched_off


def test_the_container_runs_unprivileged_on_a_read_only_file_system() -> None:
    (user,) = instructions("USER")
    assert f"--uid {user} " in instructions("RUN")[2]
    gateway = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["modegate"]
    assert gateway["read_only"] is True
    assert gateway["cap_drop"] == ["ALL"]
    assert gateway["security_opt"] == ["no-new-privileges:true"]
    (volume,) = map(json.loads, instructions("VOLUME"))
    assert gateway["volumes"] == [f"state:{volume[0]}"]
    assert gateway["environment"]["MODEGATE_STATE_DIR"] == volume[0]
    assert f"MODEGATE_STATE_DIR={volume[0]}" in instructions("ENV")[0]
    assert (ROOT / f"{gateway['env_file']}.example").is_file()
