"""Builds the package and installs it as the Dockerfile and users do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
SOURCES = ("LICENSE", "README.md", "pyproject.toml", "requirements.lock", "src")
# Errors of uv if the registry is unreachable; any other failure fails the test.
UNREACHED = ("failed to fetch", "error sending request", "failed to download", "timed out")


def copy_sources(to: Path) -> Path:
    """Copies the files that a build needs, without artefacts of earlier builds."""
    to.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)
    return to


def build(kind: str, source: Path, into: Path) -> Path:
    """Builds a `wheel` or an `sdist` with the build backend alone, without a registry."""
    code = f"from setuptools import build_meta as b; b.build_{kind}({str(into)!r})"
    done = execute([sys.executable, "-c", code], cwd=source)
    assert done.returncode == 0, done.stderr
    (built,) = into.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def install(command: list[str], cwd: Path, environment: Mapping[str, str] | None = None) -> None:
    """Runs a uv command from the cache or the registry; skips the test if both fail."""
    environment = {**os.environ, **(environment or {})}
    if execute(command, cwd, environment | {"UV_OFFLINE": "1"}).returncode == 0:
        return
    done = execute(command, cwd, environment | {"UV_HTTP_TIMEOUT": "20", "UV_VENV_CLEAR": "1"})
    if unreached(done):
        pytest.skip(f"the package registry cannot be reached: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr


def unreached(done: subprocess.CompletedProcess[str]) -> bool:
    """Returns whether the command failed because the registry is unreachable."""
    told = done.stderr.lower()
    return (
        done.returncode != 0
        and "hash mismatch" not in told
        and any(words in told for words in UNREACHED)
    )


def execute(
    command: list[str], cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command until it exits, for at most 100 seconds."""
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
