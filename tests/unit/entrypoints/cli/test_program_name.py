"""The command name shown in advice to operators."""

import sys
from pathlib import Path

import pytest

from modegate.entrypoints.cli.program_name import command_name


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment that contains the command but is not on `PATH`."""
    folder = tmp_path / "some where" / ".venv" / "bin"
    folder.mkdir(parents=True)
    command = folder / "modegate"
    command.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return command


def test_a_command_on_the_path_is_shown_by_its_bare_name(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(installed.parent))
    assert command_name() == "modegate"


def test_a_symlink_on_the_path_is_shown_by_its_bare_name(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "modegate").symlink_to(installed)
    assert command_name() == "modegate"


def test_a_relative_path_is_shown_if_another_installation_is_on_the_path(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "modegate").touch(mode=0o755)
    assert command_name() == f"'{installed.relative_to(tmp_path)}'"


def test_a_command_below_the_working_directory_is_shown_by_relative_path(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(installed.parents[2])
    assert command_name() == ".venv/bin/modegate"


def test_a_command_outside_the_working_directory_is_shown_by_absolute_path(
    installed: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert command_name() == f"'{installed}'"


def test_a_missing_command_is_shown_as_a_python_module_call(installed: Path) -> None:
    installed.unlink()
    assert command_name() == f"'{installed.parent / 'python'}' -m modegate"
