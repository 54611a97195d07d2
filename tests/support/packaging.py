"""Building the package, and installing it as the Dockerfile and a user do."""

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
# What uv says where it reaches no registry; anything else is a fault of the package.
UNREACHED = ("failed to fetch", "error sending request", "failed to download", "timed out")


def copy_sources(to: Path) -> Path:
    """The files that a build needs, without what other builds have left behind."""
    to.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)
    return to


def build(kind: str, source: Path, into: Path) -> Path:
    """A `wheel` or an `sdist`, made by the build backend alone: no registry is asked."""
    code = f"from setuptools import build_meta as b; b.build_{kind}({str(into)!r})"
    done = execute([sys.executable, "-c", code], cwd=source)
    assert done.returncode == 0, done.stderr
    (built,) = into.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def install(command: list[str], cwd: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a command of uv's from its cache, or else from the registry; skip where that is away."""
    environment = {**os.environ, **(environment or {})}
    if execute(command, cwd, environment | {"UV_OFFLINE": "1"}).returncode == 0:
        return
    done = execute(command, cwd, environment | {"UV_HTTP_TIMEOUT": "20", "UV_VENV_CLEAR": "1"})
    if unreached(done):
        pytest.skip(f"the package registry cannot be reached: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr


def unreached(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether the command failed for want of a registry."""
    told = done.stderr.lower()
    return (
        done.returncode != 0
        and "hash mismatch" not in told
        and any(words in told for words in UNREACHED)
    )


def execute(
    command: list[str], cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which is near."""
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
