"""The rules of the structure, and that each of them can fail."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
SCRIPTS = Path(sys.executable).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree once more, under the name by which it is imported."""
    shutil.copytree(SRC, tmp_path / "modegate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / "lint-imports", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def add(folder: Path, module: str, line: str) -> None:
    path = folder / "modegate" / module
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (path.parent / "__init__.py").exists():
        (path.parent / "__init__.py").write_text("")
    path.write_text((path.read_text() if path.exists() else "") + f"\n{line}\n")


def test_the_tree_keeps_every_rule(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("rule", "module", "line"),
    [
        ("Dependencies point inwards", "domain/mode.py", "import modegate.application"),
        ("Dependencies point inwards", "application/backends.py", "import modegate.adapters"),
        ("Dependencies point inwards", "newcomer/thing.py", "x = 1"),
        ("The core knows no framework and no vendor", "domain/mode.py", "import pydantic"),
        ("The core knows no framework and no vendor", "application/backends.py", "import openai"),
        ("The core knows no framework and no vendor", "domain/mode.py", "import asyncio"),
        (
            "Adapters do not know each other",
            "adapters/memory/session_store.py",
            "import modegate.adapters.system.clock",
        ),
        (
            "Only the container knows the adapters",
            "entrypoints/cli.py",
            "import modegate.adapters.memory.session_store",
        ),
        (
            "HTTP is reached through the entry point, never the container",
            "entrypoints/http/app.py",
            "import modegate.entrypoints.bootstrap.container",
        ),
        (
            "HTTP is reached through the entry point, never the container",
            "entrypoints/newcomer.py",
            "x = 1",
        ),
        ("No cycles", "domain/verbatim.py", "import modegate.domain.errors"),
    ],
)
def test_each_rule_can_be_broken(rule: str, module: str, line: str, copy: Path) -> None:
    add(copy, module, line)
    done = lint_imports(copy)
    assert done.returncode == 1
    assert f"{rule} BROKEN" in done.stdout


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import os\nos.system('x')", "S605"),
        ("import subprocess\nsubprocess.run('x', shell=True)", "S602"),
        ("import subprocess\nsubprocess.getoutput('x')", "S605"),
        ("import asyncio\nasyncio.create_subprocess_shell('x')", "TID251"),
        ("eval('1')", "S307"),
        ("exec('1')", "S102"),
    ],
)
def test_the_linter_bans_shells_and_evaluation(code: str, rule: str) -> None:
    done = subprocess.run(
        [SCRIPTS / "ruff", "check", "--stdin-filename", "src/domain/x.py", "-"],
        cwd=ROOT,
        input=f'"""x."""\n\n{code}\n',
        capture_output=True,
        text=True,
        check=False,
    )
    assert rule in done.stdout


def test_the_package_list_names_every_folder() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = project["tool"]["setuptools"]["packages"]
    found = {
        ".".join(("modegate", *path.parent.relative_to(SRC).parts))
        for path in SRC.rglob("__init__.py")
    }
    assert set(listed) == found
    assert len(listed) == len(found)
