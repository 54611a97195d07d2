"""`modegate chat` as a subprocess against running gateways."""

import asyncio
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.commands import Done, run, started
from support.gateway import Gateway, GatewayFactory
from support.serving import bare_environment, measured

from modegate.domain.errors.catalogue import backend
from modegate.simulator.api import Fails, Says
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.answer_backend import ScriptedBackend, says

KEY = "sk-modegate-of-a-client"
HEAD = {"content-type": "text/event-stream", "x-backend-mode": "openai-passthrough"}
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"First"},"finish_reason":null}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return bare_environment(tmp_path)


async def chat(
    *arguments: str, url: str | None, shell: dict[str, str], stdin: bytes | None = b""
) -> Done:
    named = ("--url", url) if url else ()
    return await asyncio.to_thread(run, "chat", *arguments, *named, host=shell, stdin=stdin)


def failed(done: Done, status: int = 1) -> str:
    """Returns the one-line error message of a failed command."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("modegate: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


async def test_chat_uses_the_upstream_by_default(
    both: Gateway, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    provider.script(Says("A gateway is\na door."))
    done = await chat("What is it?", url=both.url, shell=shell)
    assert (done.stdout, done.stderr, done.returncode) == ("A gateway is\na door.\n", "", 0)
    named = await chat("Hi", "--model", "gpt-9", url=f"{both.url}/v1/", shell=shell)
    assert named.returncode == 0
    assert [request.json["model"] for request in provider.requests] == ["gpt-4o", "gpt-9"]


async def test_chat_with_claude_answers_and_resumes_the_session(
    both: Gateway, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    shell |= measured()
    provider.script(Says("Hello Ada."))
    begun = await chat("I am Ada.", "--claude", url=both.url, shell=shell)
    assert (begun.stdout, begun.returncode) == ("Hello Ada.\n", 0)
    advice = begun.stderr.splitlines()[-1].split()
    assert advice[1:3] == ["chat", "--session"]
    provider.script(Says("Ada."))
    resumed = await chat("Who am I?", *advice[2:4], url=both.url, shell=shell)
    assert (resumed.stdout, resumed.returncode) == ("Ada.\n", 0)
    assert "I am Ada." in str(provider.requests[-1].json["messages"])


async def assert_printed_command_resumes(
    done: Done, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    """Runs the command that `chat` printed in a shell and asserts that it resumes the session."""
    assert done.returncode == 0, done.stderr
    command = done.stderr.splitlines()[-1].replace("…", "Who am I?")
    again = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", command],
        env=shell,
        cwd=shell["HOME"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert again.returncode == 0, again.stderr
    assert "Who am I?" in str(provider.requests[-1].json["messages"])


@pytest.mark.parametrize("by_file", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
async def test_the_printed_resume_command_uses_the_same_gateway(
    by_file: bool,
    gateway: GatewayFactory,
    environment: dict[str, str],
    provider: SimulatedProvider,
    shell: dict[str, str],
) -> None:
    environment |= {"ANTHROPIC_API_KEY": "sk-x", "ANTHROPIC_BASE_URL": provider.url}
    async with gateway(api_key=KEY) as running:
        port = running.url.rpartition(":")[2]
        text = f'port = {port}\napi_key = "{KEY}"'
        await asyncio.to_thread(Path(shell["HOME"], "my own.toml").write_text, text)
        config = ("--config", "my own.toml") if by_file else ()
        keyed = shell if by_file else shell | {"API_KEY": KEY}
        known = keyed if by_file else keyed | {"PORT": port}
        begun = await chat("Hi", "--claude", *config, url=None, shell=known)
        await assert_printed_command_resumes(begun, provider, keyed)


@pytest.mark.exhaustive
async def test_the_resume_command_has_a_full_path_unless_modegate_is_on_path(
    both: Gateway, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    beside = Path(sys.executable).parent
    for path, name in ((shell["PATH"], f"{beside}/modegate"), (str(beside), "modegate")):
        done = await chat("Hi", "--claude", url=both.url, shell=shell | {"PATH": path})
        assert done.stderr.splitlines()[-1].strip().startswith(f"{name} chat --session ")
    assert provider.requests


@pytest.mark.parametrize("arguments", [(), pytest.param(("-",), marks=pytest.mark.exhaustive)])
async def test_chat_reads_the_prompt_from_standard_input(
    arguments: tuple[str, ...], both: Gateway, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    done = await chat(*arguments, url=both.url, shell=shell, stdin="Grüße".encode())
    assert "Grüße" in done.stdout
    assert provider.requests[-1].json["messages"] == [{"role": "user", "content": "Grüße"}]


@pytest.mark.exhaustive
async def test_invalid_chat_input_or_settings_exit_with_status_2(shell: dict[str, str]) -> None:
    nowhere = "http://127.0.0.1:9"
    assert "the prompt is empty" in failed(await chat(url=nowhere, shell=shell), 2)
    latin = await chat("-", url=nowhere, shell=shell, stdin=b"\xe4")
    assert "standard input is not UTF-8" in failed(latin, 2)
    assert "PROMPT is not UTF-8" in failed(await chat("\udce4", url=nowhere, shell=shell), 2)
    assert "--url must be like" in failed(await chat("Hi", url="nowhere", shell=shell), 2)
    odd = await chat("Hi", "--session", "a\nb", url=nowhere, shell=shell)
    assert "--session must be" in failed(odd, 2)
    with_key = await chat("Hi", url="http://u:sk-1@127.0.0.1:9", shell=shell)
    assert "set MODEGATE_KEY" in failed(with_key, 2)
    assert "sk-1" not in with_key.stderr
    key = await chat("Hi", url=nowhere, shell=shell | {"MODEGATE_KEY": "sk-ü"})
    assert "MODEGATE_KEY must be" in failed(key, 2)
    assert "sk-" not in key.stderr
    bad = await chat("Hi", url=None, shell=shell | {"PORT": "0"})
    assert "PORT: " in failed(bad, 2)


def test_chat_on_a_terminal_without_a_prompt_exits_with_status_2(shell: dict[str, str]) -> None:
    keyboard, terminal = pty.openpty()
    try:
        done = run("chat", host=shell, stdin=terminal)
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert "no prompt" in failed(done, 2)


async def test_chat_without_a_gateway_suggests_modegate_serve(shell: dict[str, str]) -> None:
    shell |= measured()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = failed(await chat("Hi", url=None, shell=shell | {"PORT": port}))
    assert f"cannot connect to http://127.0.0.1:{port}/v1" in told
    assert "modegate serve" in told


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        pytest.param("127.0.0.1", marks=pytest.mark.exhaustive),
        pytest.param("localhost", marks=pytest.mark.exhaustive),
    ],
)
async def test_chat_takes_address_and_key_from_the_gateway_settings(
    address: str, gateway: GatewayFactory, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    upstream = {"openai_api_key": "sk-server", "openai_base_url": f"{provider.url}/v1"}
    async with gateway(api_keys=(KEY,), **upstream) as running:
        port = running.url.rpartition(":")[2]
        same = shell | {"HOST": address, "PORT": port, "API_KEYS": f"{KEY},sk-other"}
        done = await chat("Hi", url=None, shell=same | {"HTTP_PROXY": "http://127.0.0.1:9"})
        assert (done.returncode, done.stderr) == (0, "")
        assert KEY not in done.stdout


async def test_chat_to_https_without_tls_suggests_the_http_url(
    both: Gateway, shell: dict[str, str]
) -> None:
    url = both.url.replace("http://", "https://")
    told = failed(await chat("Hi", url=url, shell=shell))
    assert "does not speak TLS" in told
    assert f"try --url {both.url}, " in told


async def test_chat_suggests_omitting_claude_if_the_gateway_has_no_cli(
    gateway: GatewayFactory, shell: dict[str, str]
) -> None:
    async with gateway(claude_path="/nowhere") as running:
        told = failed(await chat("Hi", "--claude", url=running.url, shell=shell))
    assert "leave out --claude" in told
    assert "X-Claude-Code" not in told


async def test_chat_sends_modegate_key_and_reports_missing_or_wrong_keys(
    gateway: GatewayFactory, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    upstream = {"openai_api_key": "sk-server", "openai_base_url": f"{provider.url}/v1"}
    async with gateway(api_key=KEY, **upstream) as running:
        other = shell | {"OPENAI_API_KEY": KEY, "API_KEY": KEY}
        assert "An API key is required: set MODEGATE_KEY" in failed(
            await chat("Hi", url=running.url, shell=other)
        )
        wrong = await chat("Hi", url=running.url, shell=shell | {"MODEGATE_KEY": "sk-wrong"})
        assert "The API key is not one of this server's: set MODEGATE_KEY" in failed(wrong)
        assert "sk-wrong" not in wrong.stderr
        right = await chat("Hi", url=running.url, shell=shell | {"MODEGATE_KEY": f"{KEY}\n"})
        assert right.returncode == 0


async def test_chat_explains_rejections_in_terms_of_its_own_options(
    both: Gateway, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    async def told(*arguments: str) -> str:
        return failed(await chat("Hi", *arguments, url=both.url, shell=shell))

    unknown = "11111111-1111-4111-8111-111111111111"
    gone = await told("--session", unknown)
    assert f"Session {unknown} is unknown or has expired: leave out --session to" in gone
    no_model = await told("--claude", "--model", "nonsense")
    assert (
        "Claude Code has no model nonsense: choose another with --model, one of: opus" in no_model
    )
    assert "X-Claude-Code" not in no_model
    provider.script(Fails(404, "No such model"))
    assert "or add --claude to use Claude Code" in await told("--model", "sonnet")
    provider.script(Fails(401, "Incorrect\n\x1b[2Jkey"))
    assert "Incorrect [2Jkey (HTTP 401)" in await told()


@pytest.mark.exhaustive
async def test_chat_explains_more_rejections_in_terms_of_its_own_options(
    both: Gateway, gateway: GatewayFactory, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    async def told(*arguments: str, url: str = both.url) -> str:
        return failed(await chat("Hi", *arguments, url=url, shell=shell))

    assert "leave out --session" in await told("--session", "mine")
    provider.script(Fails(404, "Not found"))
    assert "or add --claude to use Claude Code" in await told("--model", "sonnet")
    async with gateway(openai_passthrough_enabled=False) as running:
        assert "with --claude" in await told(url=running.url)
    async with gateway(allow_client_openai_key=False) as running:
        assert "where the gateway runs, set OPENAI_API_KEY" in await told(url=running.url)


async def test_chat_prints_a_truncated_answer_and_fails(
    both: Gateway, gateway: GatewayFactory, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    provider.script(Says("word word word", cut_after=2))
    done = [await chat("Hi", url=both.url, shell=shell)]
    # The real CLI asks again, unless it has seen some of the text before the cut.
    cut = ScriptedBackend(*says("word ", "word ")[:-1], backend.ended_early())
    async with gateway(claude=cut) as running:
        done.append(await chat("Hi", "--claude", url=running.url, shell=shell))
    for it in done:
        assert "the answer was cut" in failed(it)
        assert it.stdout == "word word \n"


Pieces = tuple[bytes | None, ...]


@pytest.mark.parametrize(
    "pieces",
    [
        (WORD, None),
        pytest.param((WORD,), marks=pytest.mark.exhaustive),
        pytest.param((WORD, b"data: {\n\n"), marks=pytest.mark.exhaustive),
    ],
)
async def test_chat_fails_after_an_incomplete_stream(pieces: Pieces, shell: dict[str, str]) -> None:
    async def answer(_: Request, reply: Reply) -> None:
        await reply.begin(HEAD)
        for piece in pieces:
            if piece is None:
                return reply.cut()
            await reply.chunk(piece)
        await reply.end()
        return None

    async with LoopbackServer(answer).running() as url:
        done = await chat("Hi", url=url, shell=shell)
    assert done.stdout == "First\n"
    assert "the answer was cut" in failed(done)


async def test_chat_detects_a_server_that_is_not_modegate(shell: dict[str, str]) -> None:
    statuses = iter((200, 404))

    async def page(_: Request, reply: Reply) -> None:
        await reply.whole(next(statuses), b"<p>Welcome</p>", {"content-type": "text/html"})

    async with LoopbackServer(page).running() as url:
        for _ in range(2):
            assert "is not modegate" in failed(await chat("Hi", url=url, shell=shell))


@pytest.fixture
async def held(shell: dict[str, str]) -> AsyncIterator[tuple[subprocess.Popen[bytes], Reply]]:
    """A `chat` process that has printed the first word, and the reply to finish."""
    shell |= measured()
    replies: asyncio.Queue[Reply] = asyncio.Queue()

    async def answer(_: Request, reply: Reply) -> None:
        await reply.begin(HEAD)
        await reply.chunk(WORD)
        replies.put_nowait(reply)
        await reply.gone.wait()

    async with LoopbackServer(answer).running() as url:
        with started("chat", "Hi", "--url", url, host=shell) as process:
            assert process.stdout is not None
            try:
                assert await asyncio.to_thread(process.stdout.read, 5) == b"First"
                yield process, await replies.get()
            finally:
                process.kill()


Held = tuple[subprocess.Popen[bytes], Reply]


async def test_chat_prints_each_word_as_it_arrives(held: Held) -> None:
    process, reply = held
    await reply.chunk(END)
    await reply.end()
    assert await asyncio.to_thread(process.communicate, timeout=20) == (b"\n", b"")
    assert process.returncode == 0


async def test_sigint_ends_chat_with_status_130_and_no_message(held: Held) -> None:
    process, _ = held
    process.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(process.communicate, timeout=20) == (b"\n", b"")
    assert process.returncode == 130


async def test_a_closed_output_pipe_ends_chat_with_status_141_and_no_message(held: Held) -> None:
    process, reply = held
    assert process.stdout is not None
    process.stdout.close()
    await reply.chunk(WORD)
    assert await asyncio.to_thread(process.wait, 20) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""


async def test_chat_strips_control_characters_only_on_a_terminal(
    both: Gateway, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    provider.script(*(Says("\x1b]0;owned\x07 Fine.") for _ in range(2)))
    piped = await chat("Hi", url=both.url, shell=shell)
    assert piped.stdout == "\x1b]0;owned\x07 Fine.\n"
    screen, terminal = pty.openpty()
    try:
        await asyncio.to_thread(
            run, "chat", "Hi", "--url", both.url, host=shell, stdin=b"", stdout=terminal
        )
        assert os.read(screen, 1000) == b"]0;owned Fine.\r\n"
    finally:
        os.close(screen)
        os.close(terminal)


async def test_chat_replaces_characters_that_the_output_encoding_lacks(
    both: Gateway, provider: SimulatedProvider, shell: dict[str, str]
) -> None:
    provider.script(Says("“Yes.”"))
    done = await chat("Hi", url=both.url, shell=shell | {"PYTHONIOENCODING": "latin-1"})
    assert (done.stdout, done.stderr, done.returncode) == ("?Yes.?\n", "", 0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "foo://x"),
        pytest.param("HTTPS_PROXY", "http://[::1", marks=pytest.mark.exhaustive),
        pytest.param("ALL_PROXY", "socks5://127.0.0.1:9", marks=pytest.mark.exhaustive),
        ("SSL_CERT_FILE", "'/nonexistent'\r"),
        pytest.param("SSL_CERT_FILE", "/dev/null", marks=pytest.mark.exhaustive),
    ],
)
async def test_invalid_proxy_or_certificate_variables_give_a_one_line_error(
    variable: str, value: str, shell: dict[str, str]
) -> None:
    wrong = shell | {variable: value}
    assert variable in failed(await chat("Hi", url="https://192.0.2.1", shell=wrong))
