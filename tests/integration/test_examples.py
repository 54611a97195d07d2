"""Every example runs as its first lines say, against the real gateway, CLI and SDKs."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from support.serving import COLD, FEW_PLUGINS, Serving, bare_environment, serving

from modegate.testing.scripted_claude import ScriptedClaude, answer

EXAMPLES = Path(__file__).parents[2] / "examples"

SIMULATED = r"\[simulated\] No model was asked\. You said: “{}”"
GATEWAY, PORT, ADAPTER = (
    SIMULATED.format(rf"What is {word}\?") for word in ("a gateway", "a port", "an adapter")
)
ADA, NAME = SIMULATED.format(r"My name is Ada\."), SIMULATED.format(r"What is my name\?")
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

BOTH = rf"Upstream: {GATEWAY}\nClaude Code: {GATEWAY}\n"
AT_ONCE = rf"{GATEWAY}\n{PORT}\n{ADAPTER}\n"
STREAMED = rf"{GATEWAY}\n\d+ tokens in, \d+ out\n"
SESSIONS = (
    rf"Began (?P<id>{UUID})\n{ADA}\n{NAME}\n"
    rf"Mine: \[\s*'(?P=id)'[^\]]*\]\nEnded: session_not_found\n"
)
FRAMEWORK = rf"Upstream: {GATEWAY}\n{PORT}\nIn session {UUID}: {NAME}\n"

# The expected output of each example, as a pattern.
PRINTED = {
    "python/hello.py": BOTH,
    "python/asynchronous.py": AT_ONCE,
    "python/streaming.py": STREAMED,
    "python/sessions.py": SESSIONS,
    "langchain/chat.py": FRAMEWORK,
    "javascript/hello.js": BOTH,
    "javascript/asynchronous.js": AT_ONCE,
    "javascript/streaming.js": STREAMED,
    "javascript/sessions.js": SESSIONS,
    "javascript/vercel_ai.js": FRAMEWORK,
    "curl/hello.sh": rf'.*"content": *"{GATEWAY}".*\n.*"content":"{GATEWAY}".*\n',
    "curl/streaming.sh": r'(data: \{"id":"chatcmpl-.*\}\n\n){10}data: \[DONE\]\n\n',
    "curl/sessions.sh": rf".*{ADA}.*\n.*{NAME}.*\n"
    rf'\{{"object":"list","data":\[\{{"id":"(?P<id>{UUID})".*\n'
    r'\{"id":"(?P=id)","object":"session.deleted","deleted":true\}\n',
}
# These are tested separately, below.
OTHERS = {
    "backend/serve.py",
    "backend/test_vendor_backend.py",
    "backend/vendor.py",
    "backend/vendor_backend.py",
    "batch/batch.py",
    "session_store/folder_store.py",
    "session_store/test_folder_store.py",
    "testing/summary.py",
    "testing/test_summary.py",
}
COMMANDS = {".py": sys.executable, ".js": "node", ".sh": "sh"}


def test_every_example_program_has_a_test() -> None:
    programs = {
        str(path.relative_to(EXAMPLES))
        for path in EXAMPLES.rglob("*")
        if path.suffix in COMMANDS and "node_modules" not in path.parts
    }
    assert programs == PRINTED.keys() | OTHERS


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("offline")
    settings = bare_environment(folder) | {"RATE_LIMIT_PER_IP": "1000000", **COLD}
    with serving("--offline", folder=folder, environment=settings) as running:
        yield running


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    given: str = "",
    status: int = 0,
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


# Those that differ from others only in a library that takes long to import, or in their language.
ALIKE = {"python/asynchronous.py", "langchain/chat.py", "javascript/asynchronous.js"}
MARKS = {name: [pytest.mark.exhaustive] for name in ALIKE}


@pytest.mark.parametrize("name", [pytest.param(it, marks=MARKS.get(it, ())) for it in PRINTED])
def test_examples_print_the_expected_output(
    name: str, offline: Serving, request: pytest.FixtureRequest
) -> None:
    path = EXAMPLES / name
    if path.suffix == ".js":
        path = request.getfixturevalue("packages") / path.name
    elif path.suffix == ".sh" and not shutil.which("curl"):
        pytest.skip("there is no curl on this machine")
    printed = run(
        (COMMANDS[path.suffix], path),
        {
            **offline.environment,
            "OPENAI_BASE_URL": f"{offline.url}/v1",
            "OPENAI_API_KEY": "unused",
        },
    )
    assert re.fullmatch(PRINTED[name], printed.stdout), printed.stdout
    assert not printed.stderr


# test_documentation runs those of which docs/adapters.md gives the command.
SUITES = [
    pytest.param("backend", 8, marks=pytest.mark.exhaustive),
    pytest.param("session_store", 24, marks=pytest.mark.exhaustive),
    ("testing", 2),
]


@pytest.mark.parametrize(("folder", "passed"), SUITES)
def test_the_examples_own_test_suites_pass(folder: str, passed: int, offline: Serving) -> None:
    environment = {**offline.environment, **FEW_PLUGINS}
    done = run(
        (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", EXAMPLES / folder), environment
    )
    assert f"{passed} passed" in done.stdout


def test_the_custom_backend_example_serves_answers_and_health(tmp_path: Path) -> None:
    command = (sys.executable, str(EXAMPLES / "backend" / "serve.py"))
    body = {"model": "sonnet", "messages": [{"role": "user", "content": "Hello?"}]}
    with serving(command=command, folder=tmp_path) as running:
        answered = running.ask("/v1/chat/completions", body, X_Claude_Code="true")
        health = running.ask("/health")
        running.process.send_signal(signal.SIGTERM)
        messages = [line["message"] for line in running.log()]
        assert running.process.returncode == 0
    assert "You said: Hello?" in str(answered)
    assert health is not None
    assert (health["status"], "'max': 100" in str(health)) == ("ready", True)
    assert any("shutting down" in str(message) for message in messages)


BATCH = (sys.executable, str(EXAMPLES / "batch" / "batch.py"))


def prompts(count: int) -> list[str]:
    return [f"What is {number} squared?" for number in range(count)]


def test_the_batch_job_answers_with_the_real_cli(tmp_path: Path) -> None:
    asked = prompts(3)
    done = run((*BATCH, "--offline"), bare_environment(tmp_path), "\n".join(asked))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(it["prompt"] for it in answers) == asked
    assert all(it["prompt"] in it["answer"] for it in answers)
    assert done.stderr == "3 of 3 answered\n"


@pytest.mark.exhaustive
def test_the_batch_job_reports_one_failure_of_200_and_keeps_no_session(tmp_path: Path) -> None:
    claude = ScriptedClaude(tmp_path, *answer("Forty-", "two."))
    claude.script_for("What is 7 squared?", {"exit": 1})
    environment = bare_environment(tmp_path) | {
        "CLAUDE_PATH": str(claude.path),
        "ANTHROPIC_API_KEY": "sk-ant-test",
    }
    done = run(BATCH, environment, "\n".join(prompts(200)), status=1)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(it.get("answer") == "Forty-two." for it in answers) == 199
    (failed,) = (it for it in answers if "error" in it)
    assert failed["prompt"] == "What is 7 squared?"
    assert "send the request again" in failed["message"]
    assert done.stderr == "199 of 200 answered\n"
    assert not list((tmp_path / "state" / "sessions").iterdir())


@pytest.mark.parametrize(
    ("option", "setting", "told"),
    [
        ("--ofline", {}, "unrecognized arguments: --ofline"),
        ("--offline", {"PORT": "x"}, "batch.py: PORT: must be a whole number, 1 to 65535"),
    ],
)
def test_the_batch_job_exits_with_status_2_on_invalid_arguments_or_settings(
    option: str, setting: dict[str, str], told: str, tmp_path: Path
) -> None:
    done = run((*BATCH, option), bare_environment(tmp_path) | setting, "Hi", status=2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
