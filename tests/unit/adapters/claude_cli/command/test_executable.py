"""Finding the executable."""

import os
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest
from pytest_mock import MockerFixture

from modegate.adapters.claude_cli.command.executable import BELIEVED_S, Executable


class Installed:
    """Two folders on the path, and a clock."""

    def __init__(self, tmp_path: Path, mocker: MockerFixture) -> None:
        self.first, self.second = tmp_path / "first" / "claude", tmp_path / "second" / "claude"
        self.clock = mocker.patch("time.monotonic", return_value=100.0)
        self.searches: Mock = mocker.spy(shutil, "which")
        path = os.pathsep.join(str(it.parent) for it in (self.first, self.second))
        self.executable = Executable(None, path)

    def advance(self, seconds: float) -> None:
        self.clock.return_value += seconds

    def find(self) -> Path:
        return Path(self.executable.find() or "")


def install(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


@pytest.fixture
def installed(tmp_path: Path, mocker: MockerFixture) -> Installed:
    made = Installed(tmp_path, mocker)
    install(made.second)
    return made


def test_a_turn_searches_once(installed: Installed) -> None:
    assert {installed.find() for _ in range(10)} == {installed.second}
    assert installed.searches.call_count == 1


def test_one_that_is_installed_before_it_is_found_soon(installed: Installed) -> None:
    assert installed.find() == installed.second
    install(installed.first)
    assert installed.find() == installed.second
    installed.advance(BELIEVED_S)
    assert installed.find() == installed.first


@pytest.mark.parametrize("how", ["removed", "not executable", "a folder"])
def test_one_that_can_no_longer_run_is_not_found(installed: Installed, how: str) -> None:
    install(installed.first)
    assert installed.find() == installed.first
    if how == "not executable":
        installed.first.chmod(0o644)
    else:
        installed.first.unlink()
    if how == "a folder":
        installed.first.mkdir()
    assert installed.find() == installed.second


def test_a_missing_one_is_found_once_it_is_there(installed: Installed) -> None:
    missing = Executable(str(installed.first), None)
    assert missing.find() is None
    install(installed.first)
    assert missing.find() == str(installed.first)
