"""Installs the npm packages of the JavaScript examples."""

import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "javascript"
OLDEST_NODE = 20
# Errors of npm if the registry is unreachable; any other failure fails the test.
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
INSTALL = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]


def check_node() -> None:
    """Skips the test without npm and a Node that is new enough."""
    node = shutil.which("node")
    if not (node and shutil.which("npm")):
        pytest.skip("there is no node with npm on this machine")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node {version.strip()} is older than {OLDEST_NODE}")


def install_packages(folder: Path) -> Path:
    """Returns the folder with the examples and their packages; skips the test without npm."""
    check_node()
    shutil.copytree(
        EXAMPLES, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True
    )
    done = subprocess.run(
        INSTALL, cwd=folder, capture_output=True, text=True, check=False, timeout=110
    )
    if any(word in done.stderr for word in NO_NETWORK):
        pytest.skip("npm cannot reach its registry")
    assert done.returncode == 0, done.stderr
    return folder
