"""The architecture rules, and proof that each of them can fail."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
SCRIPTS = Path(sys.executable).parent

INWARDS = "Dependencies point inwards"
ADAPTERS = "Adapters do not know each other"
WIRING = "Only the container and the mapping of settings know the adapters"
CORE = "The core knows no framework and no vendor"
ENTRY = "The command line starts what bootstrap builds from settings and HTTP"
HTTP = "HTTP: the server and the application above resources, middleware and messages"
CLIENT = "The HTTP client: connections above messages"
CLIENT_ALONE = "The HTTP client knows no other part, and no other client"
CLIENT_PURE = "The HTTP client's messages know no I/O"
CLI = "The CLI: turns use the pool, the pool processes, processes the protocol"
PURE = "The CLI: the turn's lifecycle and the protocol do no I/O"


def copy_tree(to: Path) -> Path:
    """Copies the tree under the name by which it is imported."""
    shutil.copytree(SRC, to / "modegate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)
    return to


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


def test_the_source_tree_keeps_every_import_contract(tmp_path: Path) -> None:
    done = lint_imports(copy_tree(tmp_path))
    assert done.returncode == 0, done.stdout


# The rule, the file, and the module that it must not import.
FORBIDDEN = [
    (INWARDS, "domain/routing/mode.py", "modegate.dialects"),
    (INWARDS, "dialects/json.py", "modegate.application"),
    (INWARDS, "application/list_models.py", "modegate.adapters"),
    (INWARDS, "write_behind/writer.py", "modegate.adapters"),
    (INWARDS, "simulator/api.py", "modegate.testing"),
    (CORE, "domain/routing/mode.py", "pydantic"),
    (CORE, "domain/routing/mode.py", "asyncio"),
    (CORE, "dialects/json.py", "falcon"),
    (CORE, "application/list_models.py", "openai"),
    (ADAPTERS, "adapters/memory/session_store.py", "modegate.adapters.system.clock"),
    (WIRING, "entrypoints/cli/main.py", "modegate.adapters.memory.session_store"),
    (ENTRY, "entrypoints/http/app.py", "modegate.entrypoints.bootstrap.container"),
    (ENTRY, "entrypoints/config/settings.py", "modegate.entrypoints.cli.parser"),
    (HTTP, "entrypoints/http/messages/errors.py", "modegate.entrypoints.http.app"),
    (HTTP, "entrypoints/http/middleware/draining.py", "modegate.entrypoints.http.resources.health"),
    (
        CLI,
        "adapters/claude_cli/protocol/events.py",
        "modegate.adapters.claude_cli.command.environment",
    ),
    (CLI, "adapters/claude_cli/command/environment.py", "modegate.adapters.claude_cli.pool.slots"),
    (
        CLI,
        "adapters/claude_cli/session_folder/disk_space.py",
        "modegate.adapters.claude_cli.process.shielded",
    ),
    (PURE, "adapters/claude_cli/turns/states.py", "asyncio"),
    (PURE, "adapters/claude_cli/protocol/ndjson.py", "subprocess"),
    (CLIENT, "http_client/messages/framing.py", "modegate.http_client.connections.pool"),
    (CLIENT_ALONE, "http_client/client.py", "modegate.domain.routing.mode"),
    (CLIENT_ALONE, "http_client/client.py", "aiohttp"),
    (CLIENT_PURE, "http_client/messages/deadlines.py", "asyncio"),
]
# The rule, and a new file that has no layer.
UNLISTED = [
    (INWARDS, "newcomer/thing.py"),
    (ENTRY, "entrypoints/newcomer.py"),
    (HTTP, "entrypoints/http/newcomer.py"),
    (CLI, "adapters/claude_cli/newcomer.py"),
    (CLIENT, "http_client/newcomer.py"),
]


def report_on(output: str, rule: str) -> str:
    """Returns the part of the linter's output about one rule; empty if the rule is kept."""
    _, _, rest = output.partition(f"\n{rule}\n{'-' * len(rule)}\n")
    return re.split(r"\n[^\n]+\n-{3,}\n", rest)[0]


@pytest.fixture(scope="module")
def forbidden(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The linter's output for all forbidden imports at once; one run for each takes minutes."""
    tree = copy_tree(tmp_path_factory.mktemp("forbidden"))
    for _, module, imported in FORBIDDEN:
        add(tree, module, f"import {imported}")
    return lint_imports(tree).stdout


@pytest.fixture(scope="module")
def unlisted(tmp_path_factory: pytest.TempPathFactory) -> str:
    tree = copy_tree(tmp_path_factory.mktemp("unlisted"))
    for _, module in UNLISTED:
        add(tree, module, "x = 1")
    add(tree, "domain/routing/mode.py", "import modegate.domain.inbound_request")
    return lint_imports(tree).stdout


@pytest.mark.parametrize(("rule", "module", "imported"), FORBIDDEN)
def test_a_forbidden_import_breaks_its_rule(
    rule: str, module: str, imported: str, forbidden: str
) -> None:
    importer = "modegate." + module.removesuffix(".py").replace("/", ".")
    assert f"{rule} BROKEN" in forbidden
    assert re.search(
        rf"{re.escape(importer)}\s*->\s*{re.escape(imported)}", report_on(forbidden, rule)
    )


@pytest.mark.parametrize("rule", [rule for rule, _ in UNLISTED])
def test_a_file_without_a_layer_breaks_its_rule(rule: str, unlisted: str) -> None:
    assert f"{rule} BROKEN" in unlisted
    assert "newcomer" in report_on(unlisted, rule)


def test_an_import_cycle_breaks_its_rule(unlisted: str) -> None:
    assert "No cycles BROKEN" in unlisted
    assert "inbound_request" in report_on(unlisted, "No cycles")


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
def test_the_linter_bans_shell_calls_and_eval(code: str, rule: str) -> None:
    done = subprocess.run(
        [SCRIPTS / "ruff", "check", "--stdin-filename", "src/domain/x.py", "-"],
        cwd=ROOT,
        input=f'"""x."""\n\n{code}\n',
        capture_output=True,
        text=True,
        check=False,
    )
    assert rule in done.stdout


def test_the_package_list_in_pyproject_names_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = project["tool"]["setuptools"]["packages"]
    found = {
        ".".join(("modegate", *path.parent.relative_to(SRC).parts))
        for path in SRC.rglob("__init__.py")
    }
    assert set(listed) == found
    assert len(listed) == len(found)
