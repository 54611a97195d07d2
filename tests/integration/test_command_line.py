"""`modegate` as a subprocess."""

import asyncio
import json
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from support.disk import mounted
from support.quota_headers import quota_headers
from support.serving import MODEGATE, bare_environment, measured, members, serving, wait

from modegate.simulator.api import Fails, Says
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.scripted_claude import ScriptedClaude, begin


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
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


def test_serve_starts_without_credentials_and_logs_what_is_missing(
    host: dict[str, str], tmp_path: Path
) -> None:
    host |= measured()
    with serving(folder=tmp_path, environment=host) as running:
        health = running.ask("/health")
        assert health is not None
        running.process.send_signal(signal.SIGTERM)
        messages = [line["message"] for line in running.log()]
        assert running.process.returncode == 0
    assert any("passthrough: no key; set OPENAI_API_KEY" in str(text) for text in messages)
    assert any("claude code: no credentials; set ANTHROPIC_API_KEY" in str(x) for x in messages)
    assert any(running.url in str(text) for text in messages)


def test_serve_offline_answers_in_both_modes_and_says_it_is_simulated(
    host: dict[str, str], tmp_path: Path
) -> None:
    host |= measured()
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with serving("--offline", folder=tmp_path, environment=host) as running:
        health = running.ask("/health")
        answers = [
            running.ask("/v1/chat/completions", body, X_Claude_Code=mode) for mode in ("no", "yes")
        ]
        running.process.send_signal(signal.SIGINT)
        logged = running.log()
        assert running.process.returncode == 0
    warned = [line["message"] for line in logged if line["level"] == "warn"]
    assert warned == ["SIMULATED: no model is asked"]
    assert health is not None
    assert (health["status"], health["simulated"]) == ("ready", True)
    for answer in answers:
        assert "[simulated]" in json.dumps(answer)


def test_killing_the_gateway_ends_all_its_descendants(host: dict[str, str], tmp_path: Path) -> None:
    claude = ScriptedClaude(
        tmp_path, *begin(), {"orphan": 300}, {"leave_process_group": 300}, {"hang": 0}
    )
    host |= {"CLAUDE_PATH": str(claude.path), "ANTHROPIC_API_KEY": "k"}
    body = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}
    with serving(folder=tmp_path, environment=host) as running:
        asking = threading.Thread(
            target=running.ask, args=("/v1/chat/completions", body), kwargs={"X_Claude_Code": "1"}
        )
        asking.start()
        wait(lambda: claude.starts)
        group = int(str(claude.starts[0]["pid"]))
        wait(lambda: len(members(group)) == 2 and claude.escaped_pids)
        (escaped_pid,) = claude.escaped_pids
        assert members(escaped_pid)
        running.process.kill()
        wait(lambda: not members(group) and not members(escaped_pid))
        asking.join(10)


def test_serve_exits_with_status_2_on_invalid_settings(
    host: dict[str, str], tmp_path: Path
) -> None:
    done = run("serve", host=host | {"PORT": "0", "LOG_LEVEL": "loud"}, folder=tmp_path)
    assert done.returncode == 2
    assert "PORT: " in done.stderr
    assert "LOG_LEVEL: " in done.stderr
    done = run("serve", "--config", "missing.toml", host=host, folder=tmp_path)
    assert done.returncode == 2
    assert "missing.toml does not exist" in done.stderr


def test_serve_exits_with_status_1_if_its_address_is_in_use(
    host: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", host=host | {"PORT": port}, folder=tmp_path)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_config_show_prints_sources_and_masks_keys(host: dict[str, str], tmp_path: Path) -> None:
    host |= measured()
    (tmp_path / "modegate.toml").write_text('default_model = "opus"\n')
    key = "sk-proj-0123456789abcdef"
    done = run("config", "show", host=host | {"OPENAI_API_KEY": key}, folder=tmp_path)
    assert done.returncode == 0
    assert "default_model = opus  (modegate.toml)" in done.stdout
    assert "openai_api_key = sk-proj-****cdef  (environment)" in done.stdout
    assert key not in done.stdout


def test_help_and_version_succeed_and_an_unknown_command_exits_with_status_2(
    host: dict[str, str], tmp_path: Path
) -> None:
    assert run("--help", host=host, folder=tmp_path).returncode == 0
    assert run("--version", host=host, folder=tmp_path).stdout.strip()
    assert run("nonsense", host=host, folder=tmp_path).returncode == 2


def test_the_demo_shows_both_modes_despite_an_unreachable_proxy(
    host: dict[str, str], tmp_path: Path
) -> None:
    host |= measured()
    unreachable = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    done = run("demo", host=host | unreachable, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ("SIMULATED", "Passthrough, streaming", "Claude Code, streaming", "first token"):
        assert shown in done.stdout
    assert "model_not_found" in done.stdout
    command = done.stdout.rpartition("Next: `")[2].split()[0]
    assert Path(command).is_file()  # a full path, because `modegate` is not on PATH here


def test_the_demo_fails_without_a_claude_executable(host: dict[str, str], tmp_path: Path) -> None:
    done = run("demo", host=host | {"CLAUDE_PATH": "/nonexistent"}, folder=tmp_path)
    assert done.returncode == 1
    assert "no claude executable" in done.stdout


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        pytest.param("::", marks=pytest.mark.exhaustive),
        pytest.param("192.0.2.1", marks=pytest.mark.exhaustive),
        pytest.param("x.example", marks=pytest.mark.exhaustive),
    ],
)
def test_a_non_loopback_address_requires_keys_or_an_explicit_opt_out(
    address: str, host: dict[str, str], tmp_path: Path
) -> None:
    refused = run("serve", host=host | {"HOST": address}, folder=tmp_path)
    assert refused.returncode == 2
    assert "API_KEY" in refused.stderr
    assert "ALLOW_UNAUTHENTICATED" in refused.stderr
    for way in ({"API_KEY": "sk-one"}, {"ALLOW_UNAUTHENTICATED": "true"}):
        shown = run("config", "show", host=host | {"HOST": address} | way, folder=tmp_path)
        assert shown.returncode == 0


def test_serve_logs_whether_authentication_is_on(host: dict[str, str], tmp_path: Path) -> None:
    for keys, told in (({}, "authentication: off"), ({"API_KEYS": "a, b, a"}, "authentication: 2")):
        with serving(folder=tmp_path, environment=host | keys) as running:
            running.process.send_signal(signal.SIGTERM)
            assert any(told in str(line["message"]) for line in running.log())


def test_the_doctor_reports_missing_credentials_and_the_fix(
    host: dict[str, str], tmp_path: Path
) -> None:
    found = run("doctor", host=host, folder=tmp_path)
    assert found.returncode == 1
    assert "FAIL claude: no credentials\n     set ANTHROPIC_API_KEY" in found.stdout
    assert "knows every option" in found.stdout
    fine = run("doctor", host=host | {"ANTHROPIC_API_KEY": "sk-x"}, folder=tmp_path)
    assert (fine.returncode, "FAIL" in fine.stdout) == (0, False)
    assert "version 2." in fine.stdout


def test_the_doctor_reports_each_fault(host: dict[str, str], tmp_path: Path) -> None:
    host |= measured()
    (tmp_path / "file").touch()
    odd = tmp_path / "odd"
    odd.mkdir()
    claude = ScriptedClaude(odd, {"write": "1.0 (Odd)\n"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        faulty = host | {
            "PORT": str(taken.getsockname()[1]),
            "MODEGATE_STATE_DIR": str(tmp_path / "file"),
            "CLAUDE_PATH": str(claude.path),
            "ALLOW_CLIENT_OPENAI_KEY": "false",
        }
        found = run("doctor", host=faulty, folder=tmp_path)
    assert found.returncode == 1
    for fault in ("FAIL sessions", "warn address", "warn authentication", "passthrough: no key"):
        assert fault in found.stdout
    missing = run("doctor", host=host | {"CLAUDE_PATH": "/nowhere"}, folder=tmp_path)
    assert "FAIL claude: no executable" in missing.stdout


def test_the_doctor_detects_a_full_disk(host: dict[str, str], tmp_path: Path) -> None:
    state = tmp_path / "full"
    keys = {"ANTHROPIC_API_KEY": "sk-x", "MODEGATE_STATE_DIR": str(state)}
    with mounted(state, "512k") as disk:
        assert run("doctor", host=host | keys, folder=tmp_path).returncode == 0
        disk.fill()
        found = run("doctor", host=host | keys, folder=tmp_path)
    assert found.returncode == 1
    assert f"FAIL sessions: {state}" in found.stdout
    assert "free" in found.stdout


def test_serve_starts_without_storage_and_logs_the_error(
    host: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    faulty = host | {"ANTHROPIC_API_KEY": "sk-x", "MODEGATE_STATE_DIR": str(tmp_path / "file/x")}
    with serving(folder=tmp_path, environment=faulty) as running:
        checks = (running.ask("/health") or {})["checks"]
        running.process.send_signal(signal.SIGTERM)
        told = [(line["level"], str(line["message"])) for line in running.log()]
    assert isinstance(checks, dict)
    assert checks["storage"] == "error"
    assert running.process.returncode == 0
    assert [text for level, text in told if level == "error" and "Not a directory" in text]
    assert [text for _, text in told if "claude code: sessions cannot be kept" in text]


@pytest.mark.parametrize("where", ["full", "closed"])
def test_serve_works_with_a_full_or_closed_stderr(
    where: str, host: dict[str, str], tmp_path: Path
) -> None:
    if where == "full" and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    target = "2>/dev/full" if where == "full" else "2>&-"
    command = ["sh", "-c", f'exec "$@" {target}', "sh", *MODEGATE]
    with serving(folder=tmp_path, environment=host, command=command) as running:
        for _ in range(3):
            assert running.ask("/health")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(15) == 0


def test_the_doctor_reports_an_unusable_proxy_without_its_password(
    host: dict[str, str], tmp_path: Path
) -> None:
    proxied = host | {"ANTHROPIC_API_KEY": "sk-x", "ALL_PROXY": "socks://u:secret@127.0.0.1:1080/"}
    for key, verdict, status in ({}, "warn", 0), ({"OPENAI_API_KEY": "sk-y"}, "FAIL", 1):
        found = run("doctor", host=proxied | key, folder=tmp_path)
        assert found.returncode == status
        assert f"{verdict} passthrough: its proxy cannot be used" in found.stdout
        assert "HTTPS_PROXY" in found.stdout
        assert "secret" not in found.stdout


async def test_doctor_live_sends_requests_to_claude_and_the_upstream(
    host: dict[str, str], provider: SimulatedProvider, tmp_path: Path
) -> None:
    host |= measured()
    both = host | {
        "CLAUDE_CODE_OAUTH_TOKEN": "sk-x",
        "ANTHROPIC_BASE_URL": provider.url,
        "OPENAI_API_KEY": "sk-y",
        "OPENAI_BASE_URL": f"{provider.url}/v1",
    }
    provider.script(Says("ok", headers=quota_headers("allowed", five_hour=0.42)))
    found = await asyncio.to_thread(run, "doctor", "--live", host=both, folder=tmp_path)
    assert found.returncode == 0, found.stdout
    assert "claude, asked: sonnet answered" in found.stdout
    assert "ok   claude: quota window five_hour, 42% used, resets " in found.stdout
    assert "upstream, asked: 1 model\n" in found.stdout
    assert not list((tmp_path / "state" / "sessions").iterdir())
    provider.script(*(Fails(401) for _ in range(3)))
    refused = await asyncio.to_thread(run, "doctor", "--live", host=both, folder=tmp_path)
    assert refused.returncode == 1
    assert "FAIL claude, asked: backend_auth_failed" in refused.stdout


def test_doctor_live_gives_operators_network_advice_if_nothing_is_reachable(
    host: dict[str, str], tmp_path: Path
) -> None:
    nowhere = "http://127.0.0.1:9"
    lost = host | {
        "ANTHROPIC_API_KEY": "sk-x",
        "ANTHROPIC_BASE_URL": nowhere,
        "CLAUDE_FIRST_EVENT_TIMEOUT_MS": "3000",
        "OPENAI_API_KEY": "sk-y",
        "OPENAI_BASE_URL": f"{nowhere}/v1",
        "UPSTREAM_MAX_RETRIES": "0",
    }
    found = run("doctor", "--live", host=lost, folder=tmp_path)
    assert found.returncode == 1
    claude, upstream = (block for block in found.stdout.split("FAIL ")[1:])
    assert "check the network, a proxy in HTTPS_PROXY, and ANTHROPIC_BASE_URL" in claude
    assert "check the network, a proxy in HTTPS_PROXY, and OPENAI_BASE_URL" in upstream
    assert "send the request again" not in found.stdout


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{}/v1",
        pytest.param("http://localhost:{}", marks=pytest.mark.exhaustive),
    ],
)
def test_serve_rejects_its_own_address_as_the_upstream(
    url: str, host: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    own = host | {"PORT": port, "OPENAI_BASE_URL": url.format(port), "OPENAI_API_KEY": "x"}
    told = run("serve", host=own, folder=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "OPENAI_BASE_URL is the address of this gateway itself" in told.stderr
    assert "and OPENAI_API_KEY where it was set for a client" in told.stderr
    assert "its upstream is this gateway itself" in run("doctor", host=own, folder=tmp_path).stdout
    with serving("--offline", folder=tmp_path, environment=own) as running:
        assert running.ask("/live")


def test_an_ipv6_host_in_brackets_is_accepted(host: dict[str, str], tmp_path: Path) -> None:
    told = run("doctor", host=host | {"HOST": "[::1]"}, folder=tmp_path)
    assert "is free" in told.stdout


UNCLEAN_VALUES = {
    "OPENAI_API_KEY": '"sk-abcdefghijkl"',
    "API_KEYS": '"sk-one-aaaaaaaaaa,sk-two-bbbbbbbbbb"',
    "MODEGATE_STATE_DIR": "'/srv/state'\r",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1\r",
    "HOST": "127.0.0.1 ",
    "DEFAULT_MODEL": "\ufeffopus",
    "ANTHROPIC_BASE_URL": '"http://127.0.0.1:9"',
}
PLATFORM_VARIABLES = {
    "MODEGATE_PORT": "tcp://10.0.0.1:3456",
    "MODEGATE_SERVICE_HOST": "10.0.0.1",
    "MODEGATE_PROCESS": "0123",
}


def test_quotes_and_whitespace_around_settings_are_removed_with_a_warning(
    host: dict[str, str], tmp_path: Path
) -> None:
    done = run("config", "show", host=host | UNCLEAN_VALUES | PLATFORM_VARIABLES, folder=tmp_path)
    assert done.returncode == 0
    for line in (
        "openai_api_key = ****ijkl  (environment)",
        "api_keys = sk-one-****aaaa, sk-two-****bbbb  (environment)",
        "modegate_state_dir = /srv/state  (environment)",
        "openai_base_url = http://127.0.0.1:9/v1  (environment)",
        "host = 127.0.0.1  (environment)",
        "default_model = opus  (environment)",
    ):
        assert f"{line}\n" in done.stdout
    warned = done.stderr.splitlines()
    assert all(line.startswith("modegate: warning: ") for line in warned)
    for name in UNCLEAN_VALUES:
        assert sum(f" {name}: " in line for line in warned) == 1, name
    assert len(warned) == len(UNCLEAN_VALUES) + 1
    assert "MODEGATE_PORT, MODEGATE_SERVICE_HOST: ignored" in done.stderr


def test_serve_logs_a_warning_for_each_cleaned_or_ignored_setting(
    host: dict[str, str], tmp_path: Path
) -> None:
    host |= measured()
    odd = {"API_KEY": '"sk-one-aaaaaaaaaa"\r', "OPENAI_BASE_URL": "http://127.0.0.1:9/v1\r"}
    odd |= {"OPENAI_API_KEY": "'x'", "MODEGATE_LOG_LEVEL": "debug", **PLATFORM_VARIABLES}
    with serving(folder=tmp_path, environment=host | odd) as running:
        known = running.ask("/v1/sessions", Authorization="Bearer sk-one-aaaaaaaaaa")
        running.process.send_signal(signal.SIGTERM)
        warned = [str(line["message"]) for line in running.log() if line["level"] == "warn"]
        assert running.process.returncode == 0
    assert known is not None
    assert known["object"] == "list"
    assert [text.split()[1].rstrip(",:") for text in warned if text.startswith("settings: ")] == [
        "MODEGATE_LOG_LEVEL",
        "MODEGATE_PORT",
        "API_KEY",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    ]


def test_the_doctor_warns_about_cleaned_and_ignored_settings(
    host: dict[str, str], tmp_path: Path
) -> None:
    odd = {"ANTHROPIC_API_KEY": '"sk-x"', "NODE_EXTRA_CA_CERTS": "", **PLATFORM_VARIABLES}
    found = run("doctor", host=host | odd, folder=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert "warn settings: ANTHROPIC_API_KEY: quotes around the value were removed" in found.stdout
    assert "warn settings: MODEGATE_PORT, MODEGATE_SERVICE_HOST: ignored" in found.stdout


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("config", "show"), marks=pytest.mark.exhaustive),
        ("serve",),
        pytest.param(("doctor",), marks=pytest.mark.exhaustive),
        ("chat", "Hi"),
    ],
)
def test_each_command_reports_every_setting_with_an_invalid_value(
    command: tuple[str, ...], host: dict[str, str], tmp_path: Path
) -> None:
    impossible = {
        "PORT": "\x01",
        "HOST": "a b",
        "LOG_LEVEL": "\udcff",
        "API_KEY": '"sk-lone',
        "API_KEYS": "sk-\u200babc",
        "OPENAI_BASE_URL": "http://a b/v1",
        "MODEGATE_STATE_DIR": "/srv/\udcff",
        "CLAUDE_PATH": "/bin/\x07",
        "ANTHROPIC_AUTH_TOKEN": "a\nb",
        "HTTPS_PROXY": "http://\x01",
        "SSL_CERT_FILE": "/a\x1b[31mb",
    }
    done = run(*command, host=host | impossible, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert {line.split()[1] for line in lines} == {f"{name}:" for name in impossible}
    assert len(lines) == len(impossible)
    assert done.stderr.replace("\n", "").isprintable()


def test_the_demo_reports_an_invalid_claude_path(host: dict[str, str], tmp_path: Path) -> None:
    done = run("demo", host=host | {"CLAUDE_PATH": '"/bin/cla\x07ude"'}, folder=tmp_path)
    assert done.returncode == 1
    assert "The demo failed: CLAUDE_PATH: must not hold U+0007" in done.stdout
