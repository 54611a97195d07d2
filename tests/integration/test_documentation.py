"""Checks the documentation: snippets run, tables are complete, links resolve.

`support.markdown` defines how a snippet is run and how it is marked as not run.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from support.markdown import PAGES, ROOT, Snippet, anchors, snippets
from support.openapi import CHAT, DOCUMENT
from support.serving import COLD, FEW_PLUGINS, Serving, bare_environment, serving

from modegate.application.keys.fields import READERS
from modegate.domain.credentials.error_rules import Action
from modegate.domain.credentials.selection import Strategy
from modegate.domain.errors import ModelNotFoundError
from modegate.domain.parameters.param_policy import CLAUDE_CODE_RULES
from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.routing.operations import OPERATIONS
from modegate.domain.routing.route import RelayRoute
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.keys.tables import KeySettings
from modegate.entrypoints.config.reloading import NEEDS_RESTART
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.upstreams.tables import CredentialSettings, UpstreamSettings

KEYS = ROOT / "docs/keys.md"
# test_command_line_page runs its snippets.
TESTED_APART = ROOT / "docs/command-line.md"
# Other tests run what is in these folders.
TESTED = ("examples", "deploy/balancers", "tests/clients")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")
NUMBERS = count()

# The number of snippets marked as not run, per page: update it when you mark another one.
NOT_RUN = {
    "README.md": 2,
    "docs/API_REFERENCE.md": 2,
    "docs/clients/aider.md": 1,
    "docs/clients/claude-code.md": 1,
    "docs/clients/cline.md": 1,
    "docs/clients/codex.md": 1,
    "docs/examples.md": 3,
    "docs/operations.md": 4,
    "docs/passthrough.md": 1,
    "docs/quickstart.md": 3,
    "docs/responses.md": 1,
    "docs/sdks.md": 3,
    "docs/security.md": 1,
}


def runnable(*languages: str) -> list[Snippet]:
    """The snippets that run from their page."""
    return [snippet for snippet in snippets(*languages) if snippet.runs]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway with a simulated model, in a folder that looks like a clone."""
    with documented_gateway(tmp_path_factory.mktemp("offline")) as running:
        yield running


@pytest.fixture(scope="module")
def with_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway for the page that makes keys, without which other pages' requests fail."""
    with documented_gateway(tmp_path_factory.mktemp("keys")) as running:
        yield running


@contextmanager
def documented_gateway(folder: Path) -> Iterator[Serving]:
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("node_modules")
    )
    (folder / ".venv").symlink_to(sys.prefix)
    settings = bare_environment(folder) | {
        "RATE_LIMIT_PER_IP": "1000000",
        "ADMIN_KEY": "sk-operator",
        **COLD,
    }
    with serving("--offline", folder=folder, environment=settings) as running:
        yield running


def execute(command: list[str], snippet: Snippet, offline: Serving, folder: Path) -> None:
    """Runs the snippet as a reader would and compares its output with the page."""
    done = subprocess.run(
        command,
        input=snippet.code.replace("127.0.0.1:3456", offline.address),
        env={
            **offline.environment,
            **FEW_PLUGINS,
            "PATH": f"{sys.prefix}/bin:{offline.environment['PATH']}",
            "PORT": offline.address.partition(":")[2],
            "OPENAI_BASE_URL": f"{offline.url}/v1",
            "OPENAI_API_KEY": "unused",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if snippet.printed:
        pattern = ".*".join(map(re.escape, snippet.printed.strip().split("…")))
        assert re.fullmatch(pattern, done.stdout.strip()), done.stdout
    elif "OpenAI(" in snippet.code or "curl" in snippet.code:
        assert "[simulated]" in done.stdout


@pytest.mark.parametrize("snippet", runnable("python"), ids=str)
def test_python_snippets_run(snippet: Snippet, offline: Serving) -> None:
    command = [sys.executable, "-"]
    if re.search("^class Test", snippet.code, re.MULTILINE):
        suite = offline.folder / f"test_snippet_{next(NUMBERS)}.py"
        suite.write_text(snippet.code)
        command = [sys.executable, "-m", "pytest", "-q", suite.name]
    execute(command, snippet, offline, offline.folder)


@pytest.mark.parametrize("snippet", runnable("js"), ids=str)
def test_javascript_snippets_run(snippet: Snippet, offline: Serving, packages: Path) -> None:
    execute(["node", "--input-type=module", "-"], snippet, offline, packages)


@pytest.mark.parametrize(
    "snippet", [it for it in runnable("sh") if it.page != TESTED_APART], ids=str
)
def test_shell_snippets_run(snippet: Snippet, request: pytest.FixtureRequest) -> None:
    if "curl" in snippet.code and not shutil.which("curl"):
        pytest.skip("there is no curl on this machine")
    makes_keys = snippet.page == KEYS
    offline: Serving = request.getfixturevalue("with_keys" if makes_keys else "offline")
    execute(["/bin/sh", "-eu"], snippet, offline, offline.folder)


@pytest.mark.parametrize("snippet", runnable("toml"), ids=str)
def test_toml_snippets_are_valid_settings(snippet: Snippet) -> None:
    Settings.model_validate(tomllib.loads(snippet.code))


def test_json_snippets_are_valid() -> None:
    for snippet in runnable("json"):
        json.loads(snippet.code)


def test_every_snippet_runs_or_is_marked_with_a_reason() -> None:
    run_here = {"python", "js", "sh", "toml", "json"}
    for snippet in snippets():
        known = "continues", "printed", ""
        assert snippet.mark in known or snippet.mark.startswith(("part of: ", "not run: ")), snippet
        assert snippet.language, snippet
        if snippet.runs:
            assert snippet.language in run_here | {"text"}, snippet
    not_run = [it for it in snippets() if it.mark.startswith("not run: ")]
    assert Counter(str(it.page.relative_to(ROOT)) for it in not_run) == NOT_RUN


PARTS = [snippet for snippet in snippets() if snippet.part_of]


@pytest.mark.parametrize("snippet", PARTS, ids=str)
def test_partial_snippets_match_their_example_file(snippet: Snippet) -> None:
    assert snippet.part_of
    assert snippet.code in snippet.part_of.read_text()
    assert any(snippet.part_of.is_relative_to(ROOT / it) for it in TESTED)


def test_documented_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for snippet in snippets("sh"):
        for target in re.findall(r"^make (\w+)", snippet.code, re.MULTILINE):
            assert f"\n{target}:" in makefile


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_resolve(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"


def test_the_documented_model_override_works() -> None:
    page = ROOT / "docs/configuration.md"
    (snippet,) = (it for it in snippets("toml") if it.page == page and "[models]" in it.code)
    models = Settings.model_validate(tomllib.loads(snippet.code)).model_map()
    assert models.resolve("gpt-5-mini-2025") == "haiku"


def test_the_configuration_page_lists_exactly_the_settings() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    tables = {"BUDGET", "DIALECTS", "KEYS", "MODELS", "PRICES", "UPSTREAMS"}
    assert documented == {name.upper() for name in Settings.model_fields} - tables


def test_the_keys_page_lists_exactly_the_fields() -> None:
    rows = [line.split("|") for line in KEYS.read_text().splitlines() if line[:3] == "| `"]
    documented = {row[1].strip(" `") for row in rows if len(row) == 5}
    assert documented == set(READERS)
    assert documented == KeySettings.model_fields.keys() - {"key", "key_env", "key_file"}


def test_the_configuration_page_lists_the_settings_that_need_a_restart() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    section = page.partition("These settings need a restart:")[2].partition("Until then")[0]
    assert {it.lower() for it in re.findall(r"`([A-Z_]+)`", section)} == NEEDS_RESTART


UPSTREAMS = ROOT / "docs/upstreams.md"


def test_the_upstreams_page_lists_exactly_the_keys_of_the_tables() -> None:
    rows = [line.split("|") for line in UPSTREAMS.read_text().splitlines() if line[:3] == "| `"]
    documented = {name for row in rows if len(row) == 5 for name in re.findall("`(.+?)`", row[1])}
    tables = {*UpstreamSettings.model_fields, *CredentialSettings.model_fields}
    assert tables <= documented
    strategies = {row[1].strip(" `") for row in rows if len(row) == 4}
    assert strategies == {*Strategy, *Action, "then"}


def test_the_documented_routing_is_that_of_the_documented_file() -> None:
    snippet = next(it for it in snippets("toml") if it.page == UPSTREAMS)
    document = tomllib.loads(snippet.code.replace("key_file", "key_env"))
    environment = dict.fromkeys(
        ("OPENAI_KEY_TEAM_A", "KIMI_KEY", "/run/secrets/openai-team-b"), "k"
    )
    routes = mapping.routes(Settings.model_validate(document), environment)
    page = UPSTREAMS.read_text().partition("| the client asks for |")[2].partition("\n\n")[0]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:4]] for line in page.splitlines()[2:]]
    assert len(rows) == 5
    for model, upstream, known_as in rows:
        try:
            route = routes.resolve(ModeDecision(Mode.PASSTHROUGH), None, model)
        except ModelNotFoundError:
            assert (upstream, known_as) == ("none", "")
        else:
            assert isinstance(route, RelayRoute)
            assert (route.upstream.name, route.model) == (upstream, known_as)


def test_the_api_reference_lists_every_parameter_header_and_endpoint() -> None:
    page = (ROOT / "docs/API_REFERENCE.md").read_text()
    sent = {it["name"] for it in DOCUMENT["paths"][CHAT]["post"]["parameters"]}
    received = DOCUMENT["components"]["headers"].keys() - {"X-Upstream-RateLimit-Limit"}
    for name in (*CLAUDE_CODE_RULES, *sent, *received):
        assert f"`{name}" in page, name
    relayed = {f"/v1/{it.template.split('/')[1]}" for it in OPERATIONS}
    others = (ROOT / "docs/passthrough.md").read_text()
    for path in DOCUMENT["paths"]:
        group = "/".join(path.split("/")[:3])
        if group in relayed:
            assert f"`{group}" in others, path
        else:
            assert re.sub(r"{\w+}", "{id}", path) in page, path


ANSWERS = [snippet for snippet in runnable("json") if snippet.page.name == "API_REFERENCE.md"]


@pytest.mark.parametrize("snippet", ANSWERS, ids=str)
def test_json_answers_in_the_api_reference_are_openapi_examples(snippet: Snippet) -> None:
    assert json.loads(snippet.code) in examples(DOCUMENT)


def examples(node: object) -> list[object]:
    """Every example in the document."""
    if not isinstance(node, dict):
        return []
    own = [node["value"]] if "value" in node else []
    return [*own, *(found for inner in node.values() for found in examples(inner))]


def test_the_api_reference_lists_every_model() -> None:
    page = (ROOT / "docs/API_REFERENCE.md").read_text()
    for name in (*ModelMap().rows, "default"):
        assert f"`{name}`" in page
