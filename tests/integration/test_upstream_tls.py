"""TLS to the upstream, from a gateway in a subprocess."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme
from support.serving import COLD, bare_environment, serving

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

ANSWER = b'{"id": "chatcmpl-1", "choices": [{}]}'
# Loopback addresses bypass the proxy, so the upstream needs another name.
NAME = "upstream.example"


async def answer(_: Request, reply: Reply) -> None:
    await reply.whole(200, ANSWER, {"content-type": "application/json"})


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """The environment of a gateway that trusts the authority."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return {"SSL_CERT_FILE": str(file)}


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def ask(upstream: str, folder: Path, environment: dict[str, str]) -> dict[str, object]:
    """Returns the answer of a gateway in front of the upstream."""
    own = {"OPENAI_API_KEY": "sk-server", "OPENAI_BASE_URL": upstream, "UPSTREAM_MAX_RETRIES": "0"}
    settings = bare_environment(folder) | COLD | own | environment

    def ask_once() -> dict[str, object] | None:
        with serving(folder=folder, environment=settings) as running:
            return running.ask("/v1/chat/completions", {"model": "gpt-4o", "messages": []})

    answered = await asyncio.to_thread(ask_once)
    assert answered is not None
    return answered


def code_of(answered: dict[str, object]) -> object:
    error = answered["error"]
    assert isinstance(error, dict)
    return error["code"]


async def test_an_upstream_certificate_of_a_trusted_authority_is_accepted(
    authority: trustme.CA, trusted: dict[str, str], tmp_path: Path
) -> None:
    upstream = LoopbackServer(answer)
    async with upstream.running(certified(authority, "127.0.0.1")) as url:
        answered = await ask(f"{url}/v1", tmp_path, trusted)
    assert answered["id"] == "chatcmpl-1"
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-server"


async def test_no_request_is_sent_to_an_upstream_with_an_untrusted_certificate(
    authority: trustme.CA, tmp_path: Path
) -> None:
    upstream = LoopbackServer(answer)
    async with upstream.running(certified(authority, "127.0.0.1")) as url:
        answered = await ask(f"{url}/v1", tmp_path, {})
    assert code_of(answered) == "upstream_unreachable"
    assert upstream.requests == []


async def test_no_request_is_sent_to_an_upstream_with_another_hosts_certificate(
    authority: trustme.CA, trusted: dict[str, str], tmp_path: Path
) -> None:
    upstream = LoopbackServer(answer)
    async with upstream.running(certified(authority, "elsewhere.example")) as url:
        answered = await ask(f"{url}/v1", tmp_path, trusted)
    assert code_of(answered) == "upstream_unreachable"
    assert upstream.requests == []


async def test_a_proxy_cannot_read_a_tls_request_through_its_tunnel(
    authority: trustme.CA, trusted: dict[str, str], tmp_path: Path
) -> None:
    upstream = LoopbackServer(answer)
    async with upstream.running(certified(authority, NAME)) as url, tunnel(url) as proxy:
        environment = trusted | {"HTTPS_PROXY": f"http://user:secret@127.0.0.1:{proxy.port}"}
        answered = await ask(f"https://{NAME}/v1", tmp_path, environment)
    assert answered["id"] == "chatcmpl-1"
    assert proxy.told.startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\n".encode())
    assert b"Basic dXNlcjpzZWNyZXQ=" in proxy.told
    assert b"sk-server" not in proxy.told
    assert "proxy-authorization" not in upstream.requests[0].headers


@pytest.mark.parametrize("proxy", ["socks://u:secret@127.0.0.1:1080/", "socks5://127.0.0.1:1"])
async def test_an_unusable_proxy_is_named_in_the_error_and_does_not_prevent_the_start(
    proxy: str, tmp_path: Path
) -> None:
    answered = await ask(f"https://{NAME}/v1", tmp_path, {"ALL_PROXY": proxy})
    assert code_of(answered) == "upstream_unreachable"
    assert "ALL_PROXY" in str(answered)
    assert "secret" not in str(answered)


async def test_a_missing_certificate_file_does_not_prevent_the_start(tmp_path: Path) -> None:
    missing = {"SSL_CERT_FILE": str(tmp_path / "missing.pem")}
    answered = await ask("http://127.0.0.1:9/v1", tmp_path, missing)
    assert code_of(answered) == "upstream_unreachable"


class Tunnel:
    """A proxy that opens one tunnel to a fixed target and records all that passes."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.told = b""
        self._target = target

    async def open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.told += await reader.readuntil(b"\r\n\r\n")
            there = await asyncio.open_connection("127.0.0.1", self._target)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(self._carry(reader, there[1]), self._carry(there[0], writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.told += data
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def tunnel(url: str) -> AsyncIterator[Tunnel]:
    """A proxy in front of the server at `url`."""
    proxy = Tunnel(int(url.rpartition(":")[2]))
    server = await asyncio.start_server(proxy.open, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
