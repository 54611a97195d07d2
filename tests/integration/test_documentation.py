"""What the documents say is true: snippets run, tables are complete, links lead somewhere."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.openapi import CHAT, DOCUMENT
from support.serving import Serving, serving

from modegate.domain.model_map import ModelMap
from modegate.domain.param_policy import CLAUDE_CODE_RULES
from modegate.entrypoints.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def blocks(language: str) -> list[tuple[str, str]]:
    """The snippets of all pages in one language, with the pages' names."""
    return [
        (page.name, code)
        for page in PAGES
        for kind, code in BLOCK.findall(page.read_text())
        if kind == language
    ]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving("--offline", folder=tmp_path_factory.mktemp("offline")) as running:
        yield running


def execute(command: list[str], code: str, offline: Serving) -> str:
    done = subprocess.run(
        command,
        input=code.replace("127.0.0.1:3456", offline.address),
        env=offline.environment,
        cwd=offline.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_python_snippets_run(page: str, code: str, offline: Serving) -> None:
    printed = execute([sys.executable, "-"], code, offline)
    assert printed.count("[simulated]") == (2 if "OpenAI(" in code else 0), page


# A machine may have no curl; then there is nothing to try it with.
CURL = [block for block in blocks("sh") if block[1].startswith("curl") and shutil.which("curl")]


@pytest.mark.parametrize(("page", "code"), CURL)
def test_curl_snippets_run(page: str, code: str, offline: Serving) -> None:
    printed = execute(["/bin/sh", "-eu"], code, offline)
    assert "simulated" in printed, page


@pytest.mark.parametrize(("page", "code"), blocks("toml"))
def test_toml_snippets_are_settings(page: str, code: str) -> None:
    assert page
    models = Settings.model_validate(tomllib.loads(code)).model_map()
    assert models.resolve("gpt-5-mini-2025") == "haiku"


def test_every_other_command_of_the_readme_is_one() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for _, code in blocks("sh"):
        for target in re.findall(r"^make (\w+)", code, re.MULTILINE):
            assert f"\n{target}:" in makefile


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_setting_is_documented_and_nothing_else() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert documented == {name.upper() for name in Settings.model_fields} - {"MODELS"}


def test_every_parameter_header_and_endpoint_is_in_the_reference() -> None:
    page = (ROOT / "docs/API_REFERENCE.md").read_text()
    sent = {it["name"] for it in DOCUMENT["paths"][CHAT]["post"]["parameters"]}
    received = DOCUMENT["components"]["headers"].keys() - {"X-Upstream-RateLimit-Limit"}
    for name in (*CLAUDE_CODE_RULES, *sent, *received):
        assert f"`{name}" in page, name
    for path in DOCUMENT["paths"]:
        assert re.sub(r"{\w+}", "{id}", path) in page, path


# Pages that say more of JSON have tests of their own.
ANSWERS = [code for page, code in blocks("json") if page == "API_REFERENCE.md"]


@pytest.mark.parametrize("code", ANSWERS)
def test_answers_in_the_reference_are_the_documents(code: str) -> None:
    assert json.loads(code) in examples(DOCUMENT)


def examples(node: object) -> list[object]:
    """Every example in the document."""
    if not isinstance(node, dict):
        return []
    own = [node["value"]] if "value" in node else []
    return [*own, *(found for inner in node.values() for found in examples(inner))]


def test_every_model_is_documented() -> None:
    page = (ROOT / "docs/API_REFERENCE.md").read_text()
    for name in (*ModelMap().rows, "default"):
        assert f"`{name}`" in page
