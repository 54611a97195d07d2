"""Below the entry points, no error names a header, a setting or a command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modegate.domain import errors
from modegate.domain.errors import GatewayError
from modegate.entrypoints.config.raw_settings import NAMES

SRC = Path(errors.__file__).parents[2]
BELOW = ("domain", "dialects", "application", "adapters")
SETTINGS = "|".join(sorted(name.upper() for name in NAMES if "_" in name))
NAMED = re.compile(
    r"\bX-[A-Z][\w-]+|\bAuthorization\b|\bRetry-After\b|\bmodegate (serve|doctor|chat|demo|config)\b"
    rf"|(?<!\w)--(claude|session|model|url|config|live)\b|\b({SETTINGS})\b"
)
# Files that read these names: the environment of the CLI and its options are their subject.
SUBJECT = {
    "adapters/claude_cli/options.py": "the variable that passes the key to the CLI",
    "adapters/claude_cli/command/command_line.py": "the CLI's own options",
    "adapters/claude_cli/command/environment.py": "the variables that the CLI may inherit",
    "adapters/claude_cli/command/login_state.py": "the variables that hold the CLI's login",
    "adapters/openai_sdk/sdk_headers.py": "the headers of a request to an upstream",
}
# Constructed where the response arrives, for it has no message of its own.
RELAYED = "UpstreamRefusalError"
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, GatewayError)
}


def files() -> Iterator[str]:
    for layer in BELOW:
        yield from (str(path.relative_to(SRC)) for path in sorted((SRC / layer).rglob("*.py")))


def texts(tree: ast.Module) -> Iterator[str]:
    """All strings but docstrings, which no client reads."""
    nodes = list(ast.walk(tree))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = (it for it in nodes if isinstance(it, ast.Constant) and id(it) not in docstrings)
    yield from (it.value for it in constants if isinstance(it.value, str))


def named(source: str) -> list[str]:
    return [text for text in texts(ast.parse(source)) if NAMED.search(text)]


@pytest.mark.parametrize("path", [path for path in files() if path not in SUBJECT])
def test_no_text_names_an_entry_point(path: str) -> None:
    assert named((SRC / path).read_text("utf-8")) == []


@pytest.mark.parametrize("path", SUBJECT)
def test_the_exceptions_are_needed(path: str) -> None:
    assert named((SRC / path).read_text("utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "send X-Claude-Code: true",
        "send Authorization: Bearer KEY",
        "again after Retry-After",
        "check OPENAI_BASE_URL",
        "the folder MODEGATE_STATE_DIR",
        "with modegate doctor --live",
        "leave out --session",
    ],
)
def test_such_a_text_would_be_found(text: str) -> None:
    assert named(f"x = f'a: {text}, {{1}}'") != []
    assert named(f"'''{text}'''") == []


def built(source: str) -> list[str]:
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = {it.id if isinstance(it, ast.Name) else getattr(it, "attr", "") for it in calls}
    return sorted(names & ERRORS - {RELAYED})


@pytest.mark.parametrize("path", [path for path in files() if "domain/errors/" not in path])
def test_errors_are_built_in_the_catalogue(path: str) -> None:
    assert built((SRC / path).read_text("utf-8")) == []


def test_an_error_built_elsewhere_would_be_found() -> None:
    assert built("raise StorageError('full')") == ["StorageError"]
    assert built("raise errors.StorageError('full')") == ["StorageError"]
