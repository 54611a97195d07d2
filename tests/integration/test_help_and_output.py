"""Behaviour that all commands share: help, exit status and output streams."""

import os
import pty
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from support.commands import run, started
from support.serving import MODEGATE, bare_environment, free_port, serving, wait

WIDTH, HEIGHT = 80, 24
OVERVIEW_HEIGHT = 34  # it has a line for each command
COMMANDS = (
    *("serve", "chat", "credentials", "keys", "usage", "reload"),
    *("config", "doctor", "demo", "import", "completion"),
)
# Packages that `--help` must not import, because they are slow to load.
HEAVY = (
    "aiohttp",
    "asyncio",
    "dependency_injector",
    "falcon",
    "openai",
    "pydantic",
    "shtab",
    "uvicorn",
    "yaml",
)


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    return bare_environment(tmp_path) | {"COLUMNS": str(WIDTH)}


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_fits_a_screen(command: tuple[str, ...], host: dict[str, str]) -> None:
    shown = run(*command, "--help", host=host)
    lines = shown.stdout.splitlines()
    assert (shown.returncode, shown.stderr) == (0, "")
    assert len(lines) < (HEIGHT if command else OVERVIEW_HEIGHT)
    assert max(map(len, lines)) <= WIDTH


def test_help_names_every_command_and_exit_status(host: dict[str, str]) -> None:
    shown = run("--help", host=host).stdout
    for name in (*COMMANDS, "0  ", "1  ", "2  ", "130", "141"):
        assert f"  {name} " in shown


def test_help_imports_no_heavy_package(host: dict[str, str]) -> None:
    code = (
        "import sys\nfrom modegate.entrypoints.cli.main import main\n"
        "try: main(['--help'])\n"
        f"finally: print('loaded:', *sorted(set(sys.modules) & set({HEAVY})))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env=host, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1].split() == ["loaded:"]


def test_only_chat_and_the_demo_import_the_sdk_at_once(host: dict[str, str]) -> None:
    # It takes a second. A gateway with an upstream imports it when it listens already.
    names = ", ".join(set(COMMANDS) - {"chat", "demo", "import"})
    code = f"import sys\nfrom modegate.entrypoints.cli.commands import {names}\nprint('openai' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env=host, capture_output=True, text=True, check=False
    )
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("nonsense",),
        ("serve", "--off"),
        ("config",),
        ("doctor", "--config"),
        ("chat", "a", "b"),
        ("serve", "here"),
        ("serve", "--workers", "0"),
        ("completion",),
        ("completion", "csh"),
        ("import", "litellm"),
        ("import", "other", "file"),
    ],
)
def test_a_usage_error_is_one_line_with_status_2(
    wrong: tuple[str, ...], host: dict[str, str]
) -> None:
    done = run(*wrong, host=host, stdin=b"")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("modegate")
    assert done.stderr.count("\n") == 1
    assert "--help`" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            ("serve", "--port", "99"),
            "modegate serve: unknown option --port: the variables HOST and",
        ),
        (
            ("serve", "--log-level=x"),
            "unknown option --log-level: it is a setting, set LOG_LEVEL: ",
        ),
        (("chat", "--sesion", "x", "MARK"), "modegate chat: unknown option --sesion; did you mean"),
        (("chat", "--key=MARK", "Hi"), "modegate chat: unknown option --key: see"),
        (("chat", "-MARK"), "modegate chat: unknown option: see `modegate chat --help`"),
        (("chat", "Hello", "MARK"), "modegate chat: the prompt is one argument: put it in quotes"),
        (("config",), "modegate config: say `modegate config show`"),
        (("--foo", "serve"), "modegate: unknown option --foo: see `modegate --help`"),
    ],
)
def test_a_usage_error_suggests_the_correct_usage(
    wrong: tuple[str, ...], told: str, host: dict[str, str]
) -> None:
    done = run(*wrong, host=host, stdin=b"")
    assert done.returncode == 2
    assert told in done.stderr
    assert "MARK" not in done.stderr


def test_the_help_of_serve_names_the_host_and_port_settings(host: dict[str, str]) -> None:
    assert "HOST, PORT" in run("serve", "--help", host=host).stdout


@pytest.mark.parametrize("command", [("config", "show"), ("--help",), ("doctor",)])
def test_a_closed_output_pipe_ends_a_command_with_status_141_and_no_message(
    command: tuple[str, ...], host: dict[str, str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(*command, host=host, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_output_that_cannot_be_written_is_a_one_line_error_with_status_1(
    host: dict[str, str],
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("config", "show", host=host, stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr == "modegate: the output cannot be written: No space left on device\n"


def test_sigint_ends_doctor_with_status_130_and_no_message(
    host: dict[str, str], tmp_path: Path
) -> None:
    with serving("--offline", folder=tmp_path) as running:
        running.process.send_signal(signal.SIGSTOP)  # it accepts connections but never answers
        asked = {"ANTHROPIC_API_KEY": "sk-x", "ANTHROPIC_BASE_URL": running.url}
        with started("doctor", "--live", host=host | asked) as doctor:
            assert doctor.stdout is not None
            for line in doctor.stdout:
                if line.startswith(b"warn authentication"):
                    break
            doctor.send_signal(signal.SIGINT)
            _, told = doctor.communicate(timeout=20)
        running.process.send_signal(signal.SIGCONT)
    assert (doctor.returncode, told) == (130, b"")


def screen_of(host: dict[str, str], *arguments: str) -> str:
    """Returns the terminal output of `serve` until SIGINT has ended it."""
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [*MODEGATE, "serve", *arguments],
        env=host,
        cwd=host["HOME"],
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    try:
        while b"Ctrl-C" not in shown:
            shown += os.read(screen, 4096)
        address = f"[{host['HOST']}]" if ":" in host.get("HOST", "") else "127.0.0.1"
        wait(lambda: _is_live(f"http://{address}:{host['PORT']}/live"))
        process.send_signal(signal.SIGINT)
        while chunk := _read(screen):
            shown += chunk
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(screen)
    return shown.decode()


def _is_live(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=30) as response:
        return bool(response.status == 200)
    return False


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 4096)
    except OSError:  # the other end is closed
        return b""


def test_serve_on_a_terminal_prints_a_banner_and_plain_log_lines(host: dict[str, str]) -> None:
    port = str(free_port())
    shown = screen_of(host | {"PORT": port, "HOST": "::1", "API_KEYS": "sk-1,sk-2"})
    banner, _, rest = shown.partition("Ctrl-C ends it)\r\n")
    assert f"http://[::1]:{port}\r\n" in banner
    for words in ("authentication  2 keys", "passthrough     no key", "claude code     no cred"):
        assert words in banner
    assert "sk-1" not in shown
    assert "info  shutting down" in rest
    assert max(map(len, banner.splitlines())) <= WIDTH


def test_serve_on_a_terminal_logs_json_if_configured(host: dict[str, str]) -> None:
    missing = {"CLAUDE_PATH": "/nowhere"}
    port = str(free_port())
    shown = screen_of(host | {"PORT": port, "LOG_FORMAT": "json"} | missing, "--offline")
    assert "SIMULATED" in shown
    assert max(map(len, shown.split("Ctrl-C")[0].splitlines())) <= WIDTH
    assert '"message":"shutting down' in shown
