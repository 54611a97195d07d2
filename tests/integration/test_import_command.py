"""`modegate import`: what it prints where, and that the gateway accepts it."""

import json
from pathlib import Path

import pytest
from support.commands import run
from support.serving import bare_environment

LITERAL = "sk-real-secret-of-someone"
LITELLM = f"""
model_list:
  - model_name: small
    litellm_params: {{model: openai/gpt-small, api_key: {LITERAL}, rpm: 5}}
"""
PORTKEY = json.dumps({"provider": "openai", "api_key": LITERAL, "cache": {"mode": "simple"}})


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    return bare_environment(tmp_path)


@pytest.mark.parametrize(
    ("source", "content", "left"),
    [
        ("litellm", LITELLM, "model_list, entry 1, litellm_params.rpm"),
        ("portkey", PORTKEY, "cache"),
    ],
)
def test_settings_go_to_standard_output_and_the_rest_to_standard_error(
    source: str, content: str, left: str, host: dict[str, str], tmp_path: Path
) -> None:
    done = run("import", source, "-", host=host, stdin=content.encode())
    assert done.returncode == 0
    assert LITERAL not in done.stdout + done.stderr
    assert "modegate: to do: set OPENAI_KEY to the value of " in done.stderr
    assert f"modegate: not carried over: {left}: " in done.stderr
    assert f"# - {left}: " in done.stdout
    file = tmp_path / "modegate.toml"
    file.write_text(done.stdout)
    shown = run("config", "show", "--config", str(file), host=host | {"OPENAI_KEY": "sk-mine"})
    assert shown.returncode == 0
    assert f"default_upstream = api-openai  ({file})" in shown.stdout


@pytest.mark.parametrize(
    ("source", "content", "told"),
    [
        ("litellm", None, "cannot be read: No such file or directory"),
        ("litellm", "a: [", "is no YAML: line 1, column 5"),
        ("litellm", "a: 1", "has nothing of LiteLLM that can be carried over"),
        ("portkey", "a: 1", "is no JSON: line 1, column 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_with_status_1(
    source: str, content: str | None, told: str, host: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "theirs"
    if content is not None:
        file.write_text(content)
    done = run("import", source, str(file), host=host)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"modegate: {file} {told}"
