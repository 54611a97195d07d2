"""What the program calls itself in its advice."""

import sys
from pathlib import Path

import pytest

from modegate.entrypoints.cli.program_name import command_name


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment with the command in it, and a `PATH` that does not lead there."""
    folder = tmp_path / "some where" / ".venv" / "bin"
    folder.mkdir(parents=True)
    command = folder / "modegate"
    command.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return command


def test_on_the_path_it_goes_by_its_name(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed.parent))
    assert command_name() == "modegate"


def test_a_link_on_the_path_does_as_well(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "modegate").symlink_to(installed)
    assert command_name() == "modegate"


def test_another_installation_on_the_path_is_not_meant(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "modegate").touch(mode=0o755)
    assert command_name() == f"'{installed.relative_to(tmp_path)}'"


def test_below_the_folder_one_is_in(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(installed.parents[2])
    assert command_name() == ".venv/bin/modegate"


def test_elsewhere_by_its_whole_path(
    installed: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert command_name() == f"'{installed}'"


def test_without_a_command_it_is_a_module(installed: Path) -> None:
    installed.unlink()
    assert command_name() == f"'{installed.parent / 'python'}' -m modegate"
