"""The published package works in a clean environment: it is built, installed and run."""

import signal
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from support.packaging import ROOT, UV, build, copy_sources, execute, install
from support.serving import bare_environment, serving

LAYERS = ("adapters", "application", "domain", "entrypoints", "testing")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    return build("wheel", copy_sources(folder / "source"), folder / "wheel")


@pytest.fixture(scope="module")
def python(folder: Path, wheel: Path) -> Path:
    """The interpreter of an environment with only the wheel and its dependencies."""
    home = folder / "clean"
    python = home / "bin" / "python"
    locked = ("--constraints", str(ROOT / "requirements.lock"))
    install([str(UV), "venv", "--python", "3.11", str(home)], folder)
    install([str(UV), "pip", "install", "--python", str(python), *locked, str(wheel)], folder)
    return python


def modules(names: list[str], root: str) -> set[str]:
    """Returns the archive's files under `root`, relative to it."""
    return {name.removeprefix(root) for name in names if name.startswith(root)}


def contents(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def test_the_wheel_has_every_module_the_types_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith("METADATA")]
        told = message_from_bytes(archive.read(metadata))
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert modules(names, "modegate/") == sources | {"py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert (told["Name"], told["License-Expression"]) == ("modegate", "MIT")
    assert told["Description-Content-Type"] == "text/markdown"
    assert told.get_payload() == (ROOT / "README.md").read_text()


def test_the_sdist_builds_the_same_wheel(folder: Path, wheel: Path) -> None:
    sdist = build("sdist", copy_sources(folder / "again"), folder / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # since Python 3.11.4
        archive.extractall(folder / "unpacked")  # noqa: S202 - our own archive
    (unpacked,) = (folder / "unpacked").iterdir()
    again = build("wheel", unpacked, folder / "second")
    assert contents(wheel) == contents(again)


def test_each_layer_of_the_installed_wheel_is_importable_and_typed(
    python: Path, folder: Path
) -> None:
    for layer in LAYERS:
        done = execute([str(python), "-I", "-c", f"import modegate.{layer}"], folder)
        assert done.returncode == 0, done.stderr
    where = "import modegate.domain.session as m; print(m.__file__)"
    done = execute([str(python), "-I", "-c", where], folder)
    assert Path(done.stdout.strip()).is_relative_to(folder / "clean")
    assert Path(done.stdout.strip()).parents[1].joinpath("py.typed").is_file()


@pytest.mark.parametrize(
    "way", [pytest.param(("-m", "modegate"), marks=pytest.mark.exhaustive), ("-I", "bin/modegate")]
)
def test_the_installed_wheel_serves_a_request(
    way: tuple[str, ...], python: Path, folder: Path
) -> None:
    option, name = way
    command = [str(python), option, str(python.parents[1] / name) if "/" in name else name]
    helped = execute([*command, "--help"], folder)
    assert helped.stdout.startswith("usage: modegate")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    environment = bare_environment(folder)
    with serving("--offline", folder=folder, environment=environment, command=command) as running:
        answer = running.ask("/v1/chat/completions", body)
        chat = execute([*command, "chat", "Hi", "--url", running.url], folder, environment)
        running.process.send_signal(signal.SIGTERM)
        running.log()
        assert running.process.returncode == 0
    assert "[simulated]" in str(answer)
    assert "[simulated]" in chat.stdout, chat.stderr
