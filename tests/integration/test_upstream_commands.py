"""Commands with tables of upstreams in the configuration file."""

import signal
import subprocess
from pathlib import Path

import pytest
from support.serving import MODEGATE, bare_environment, serving

SECRETS = {"KIMI_KEY": '"sk-kimi-secret-of-kimi-1234"', "ANTHROPIC_API_KEY": "sk-ant"}
TABLES = """
[upstreams.kimi]
base_url = "http://127.0.0.1:9/v1"
credentials = [
    { id = "a", key_env = "KIMI_KEY" },
    { id = "b", key_file = "key", expires_at = 2020-01-31T00:00:00Z },
]
"""


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "modegate.toml").write_text(TABLES)
    (tmp_path / "key").write_text("sk-file-secret-of-file-5678\n")
    return bare_environment(tmp_path)


def run(*arguments: str, host: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODEGATE, *arguments],
        env=host,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )


def test_config_and_doctor_show_upstreams_with_masked_keys(
    host: dict[str, str], tmp_path: Path
) -> None:
    shown = run("config", "show", host=host | SECRETS, folder=tmp_path)
    line = "upstreams.kimi.credentials, entry 1 = a, sk-kimi-****1234 from KIMI_KEY, weight 1"
    assert f"{line}  (modegate.toml)\n" in shown.stdout
    found = run("doctor", host=host | SECRETS, folder=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    described = "http://127.0.0.1:9/v1, fill-first: a sk-kimi-****1234, b sk-file-****5678"
    assert f"ok   upstream kimi: {described}\n" in found.stdout
    assert "secret" not in shown.stdout + found.stdout


def test_the_doctor_warns_of_an_expired_credential(host: dict[str, str], tmp_path: Path) -> None:
    text = TABLES.replace('key_file = "key"', 'key = "sk-b"')
    (tmp_path / "modegate.toml").write_text(text)
    found = run("doctor", host=host | SECRETS, folder=tmp_path)
    assert "warn upstream kimi: b expired on 2020-01-31\n" in found.stdout


def test_the_start_shows_upstreams_with_masked_keys(host: dict[str, str], tmp_path: Path) -> None:
    with serving(folder=tmp_path, environment=host | SECRETS) as running:
        running.process.send_signal(signal.SIGTERM)
        messages = [str(line["message"]) for line in running.log()]
    described = "http://127.0.0.1:9/v1, fill-first: a sk-kimi-****1234, b sk-file-****5678"
    assert f"kimi: {described}" in messages
    assert "passthrough: ready" in messages
    assert "secret" not in "\n".join(messages)


def test_only_commands_that_use_the_upstreams_need_their_keys(
    host: dict[str, str], tmp_path: Path
) -> None:
    fault = "modegate: upstreams.kimi.credentials, entry 1, key_env: KIMI_KEY is not set"
    for command in ("config", "show"), ("serve",), ("doctor",):
        told = run(*command, host=host, folder=tmp_path)
        assert (told.returncode, told.stdout) == (2, "")
        assert told.stderr == f"{fault} (from modegate.toml)\n"
    assert "key_env" not in run("chat", "Hi", host=host, folder=tmp_path).stderr
    with serving("--offline", folder=tmp_path, environment=host) as running:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
        answer = running.ask("/v1/chat/completions", body)
    assert "choices" in (answer or {})


def test_a_table_with_the_gateways_own_address_stops_the_start(
    host: dict[str, str], tmp_path: Path
) -> None:
    own = host | SECRETS | {"PORT": "9"}
    told = run("serve", host=own, folder=tmp_path)
    assert told.returncode == 2
    what = "upstreams.kimi.base_url is the address of this gateway itself: name the upstream's"
    assert told.stderr.splitlines()[-1] == f"modegate: {what}"
    found = run("doctor", host=own, folder=tmp_path)
    line = "passthrough: its upstream is this gateway itself, by upstreams.kimi.base_url"
    assert f"FAIL {line}\n" in found.stdout


def test_workers_take_over_a_changed_key_file(host: dict[str, str], tmp_path: Path) -> None:
    with serving("--workers", "2", folder=tmp_path, environment=host | SECRETS) as running:
        (tmp_path / "key").write_text("sk-new-key")
        said: list[str] = []
        while len(said) < 2:
            assert running.process.stderr
            line = running.process.stderr.readline()
            assert line, said
            said += ["replaced"] if "key of b replaced by that of its file" in line else []
