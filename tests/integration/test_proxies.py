"""The real nginx and HAProxy between a client and the gateway."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme
from support.gateway import CLAUDE, COLD, FREELY, KEY, Gateway, running_gateway
from support.proxies import Instance, haproxy, nginx
from support.serving import free_port
from support.waiting import until

from modegate.domain.answer.events import AnswerEvent, TextDelta
from modegate.domain.errors import BackendFailedError
from modegate.entrypoints.config.settings import Settings
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.answer_backend import ScriptedBackend, says

CHAT = "/v1/chat/completions"
HI = [{"role": "user", "content": "Hi"}]
LIMIT = FREELY["rate_limit_per_ip"]
PATIENCE = 15.0
WAYS = [(name, form) for name in ("nginx", "haproxy") for form in ("default", "example")]
Proxies = Mapping[str, Instance | None]
each_way = pytest.mark.parametrize("way", WAYS, ids=" ".join)


class TwoWords(ScriptedBackend):
    """Sends its second word only when `may_go_on` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = asyncio.Event()

    async def _play(self) -> Any:
        async for step in super()._play():
            if step == TextDelta("two"):
                await self.may_go_on.wait()
            yield step

    def begin(self, *script: AnswerEvent | Exception | float) -> None:
        self.may_go_on.clear()
        self.script = script or says("one", "two")


@dataclass(frozen=True)
class Site:
    """A gateway behind one proxy of each kind, and a simulated upstream."""

    gateway: Gateway
    backend: TwoWords
    upstream: LoopbackServer
    proxies: Proxies
    trusted: ssl.SSLContext
    authority: Path

    def url(self, way: tuple[str, str]) -> str:
        name, form = way
        proxy = self.proxies[name]
        if proxy is None:
            pytest.skip(f"there is no {name} on this machine")
        port = proxy.ports[form]
        return f"{'https' if form == 'example' else 'http'}://127.0.0.1:{port}"

    def client(self, way: tuple[str, str], address: str = "127.0.0.1") -> httpx2.AsyncClient:
        """A client that connects from the given loopback address."""
        transport = httpx2.AsyncHTTPTransport(verify=self.trusted, local_address=address)
        return httpx2.AsyncClient(base_url=self.url(way), transport=transport, timeout=PATIENCE)


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proxies")


@pytest.fixture(scope="module")
def authority(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return authority


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def proxies(folder: Path, port: int, authority: trustme.CA) -> Iterator[Proxies]:
    certificate = folder / "gateway.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    gateway = f"127.0.0.1:{port}"
    with (
        nginx(folder, gateway, certificate) as one,
        haproxy(folder, gateway, certificate) as other,
    ):
        yield {"nginx": one, "haproxy": other}


async def _upstream(request: Request, reply: Reply, may_go_on: asyncio.Event) -> None:
    match request.json.get("model"):
        case "breaks":
            await reply.begin({"content-type": "application/json"})
            await reply.chunk(b'{"half":')
            reply.abort()
        case _:
            await reply.begin({"content-type": "text/event-stream"})
            await reply.chunk(b'data: {"word": "one"}\n\n')
            await may_go_on.wait()
            await reply.chunk(b'data: {"word": "two"}\n\ndata: [DONE]\n\n')
            await reply.end()


@pytest.fixture(scope="module")
async def site(
    folder: Path, port: int, authority: trustme.CA, proxies: Proxies
) -> AsyncIterator[Site]:
    backend = TwoWords()
    upstream = LoopbackServer(lambda asked, reply: _upstream(asked, reply, backend.may_go_on))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "ANTHROPIC_API_KEY": KEY}
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    async with upstream.running() as url:
        chosen: dict[str, Any] = {
            "modegate_state_dir": folder / "state",
            "openai_base_url": url,
            "openai_api_key": "sk-server",
            "upstream_max_retries": 0,
            "trusted_proxies": "127.0.0.1",
            "sse_keepalive_ms": 50,
        }
        settings = Settings(**FREELY, **COLD, **chosen)
        async with running_gateway(settings, environment, claude=backend, port=port) as gateway:
            found = Site(gateway, backend, upstream, proxies, trusted, folder / "authority.pem")
            for way in (
                it for it in WAYS if proxies[it[0]]
            ):  # HAProxy checks its backend's health first
                async with found.client(way) as client:
                    await _wait_until_live(client)
            yield found


async def _wait_until_live(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await client.get("/live")).status_code != 200:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.05)


def asked(*, claude: bool = True, **params: Any) -> dict[str, Any]:
    body = {"model": "sonnet", "messages": HI, "stream": True} | params
    return {"json": body, "headers": CLAUDE if claude else {}}


async def read_until(pieces: AsyncIterator[bytes], word: bytes) -> bytes:
    seen = b""
    while word not in seen:
        seen += await anext(pieces)
    return seen


@asynccontextmanager
async def streaming(
    site: Site, way: tuple[str, str], **request: Any
) -> AsyncIterator[tuple[httpx2.Response, AsyncIterator[bytes]]]:
    """A stream through a proxy after its first word; the second word is held back."""
    site.backend.begin()
    async with (
        site.client(way) as client,
        client.stream("POST", CHAT, **asked(**request)) as response,
    ):
        pieces = response.aiter_raw()
        await read_until(pieces, b"one")
        yield response, pieces


@each_way
@pytest.mark.parametrize("claude", [True, False], ids=["claude", "passthrough"])
async def test_proxies_relay_a_stream_without_buffering(
    claude: bool, way: tuple[str, str], site: Site
) -> None:
    async with streaming(site, way, claude=claude) as (response, pieces):
        assert response.status_code == 200
        if claude:
            await read_until(pieces, b": keep-alive\n\n")
        site.backend.may_go_on.set()
        rest = await read_until(pieces, b"[DONE]")
        assert b"two" in rest
        assert [piece async for piece in pieces] == []


@each_way
async def test_a_disconnect_behind_a_proxy_during_a_stream_ends_the_turn(
    way: tuple[str, str], site: Site
) -> None:
    async with streaming(site, way):
        assert site.backend.open == 1
    await until(lambda: not site.backend.open, PATIENCE)


@pytest.mark.parametrize(
    "way", [way for way in WAYS if way != ("haproxy", "default")], ids=" ".join
)
async def test_a_disconnect_behind_a_proxy_before_the_answer_ends_the_turn(
    way: tuple[str, str], site: Site
) -> None:
    site.backend.begin(60.0)
    async with site.client(way) as client:
        asking = asyncio.create_task(client.post(CHAT, **asked(stream=False)))
        await until(lambda: site.backend.open, PATIENCE)
        asking.cancel()
        await asyncio.wait({asking})
    await until(lambda: not site.backend.open, PATIENCE)


@each_way
async def test_proxies_relay_the_error_event_of_a_stream(way: tuple[str, str], site: Site) -> None:
    site.backend.begin(*says("one")[:-1], BackendFailedError("Send it again."))
    async with site.client(way) as client:
        response = await client.post(CHAT, **asked())
    assert '"stream_error"' in response.text
    assert response.text.endswith("data: [DONE]\n\n")


@each_way
async def test_proxies_relay_error_responses_of_the_gateway(
    way: tuple[str, str], site: Site
) -> None:
    async with site.client(way) as client:
        for response, status, code in (
            (await client.get("/nothing"), 404, "not_found"),
            (await client.post(CHAT, content=b"{"), 415, "unsupported_media_type"),
            (await client.post(CHAT, **asked(model="x" * 600)), 400, None),
        ):
            assert response.status_code == status
            assert response.headers["X-Request-ID"]
            assert code in {None, response.json()["error"]["code"]}


@each_way
async def test_proxies_leave_the_rejection_of_large_bodies_to_the_gateway(
    way: tuple[str, str], site: Site
) -> None:
    async with site.client(way) as client:
        response = await client.post(CHAT, **asked(user="x" * 4_000_000))
    assert (response.status_code, response.json()["error"]["code"]) == (413, "payload_too_large")


@each_way
async def test_a_truncated_upstream_body_is_an_error_behind_proxies(
    way: tuple[str, str], site: Site
) -> None:
    async with site.client(way) as client:
        try:
            response = await client.post(CHAT, **asked(claude=False, model="breaks"))
        except httpx2.TransportError:
            return
    assert response.status_code >= 500


# nginx forwards no address unless it is configured to.
FORWARDING = [*WAYS[1:], ("haproxy", "forwarded")]


@pytest.mark.parametrize("way", FORWARDING, ids=" ".join)
async def test_each_client_behind_a_proxy_has_its_own_rate_limit(
    way: tuple[str, str], site: Site
) -> None:
    number = FORWARDING.index(way) + 1
    site.backend.begin()
    site.backend.may_go_on.set()
    for last in (1, 2):
        async with site.client(way, f"127.0.{number}.{last}") as client:
            left = [
                int((await client.post(CHAT, **asked())).headers["X-RateLimit-Remaining"])
                for _ in range(2)
            ]
        assert left == [LIMIT - 1, LIMIT - 2]


@pytest.mark.parametrize("way", FORWARDING, ids=" ".join)
async def test_a_client_behind_a_proxy_cannot_forge_its_address(
    way: tuple[str, str], site: Site
) -> None:
    number = FORWARDING.index(way) + 11
    site.backend.begin()
    site.backend.may_go_on.set()
    left = []
    async with site.client(way, f"127.0.{number}.1") as client:
        for last in range(3):
            request = asked()
            request["headers"] = CLAUDE | {
                "X-Forwarded-For": f"8.{number}.8.{last}",
                "Forwarded": f"for=9.{number}.9.{last}",
            }
            response = await client.post(CHAT, **request)
            left.append(int(response.headers["X-RateLimit-Remaining"]))
    assert left == sorted(left, reverse=True)
    assert len({*left}) == 3


async def test_the_proxy_protocol_is_rejected_and_named_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async with site.client(("haproxy", "proxy_protocol")) as client:
        response = await client.get("/live")
    assert response.status_code == 400
    assert "send-proxy" in caplog.text


@pytest.mark.parametrize("form", ["default", "example"])
async def test_the_javascript_sdk_streams_through_nginx(
    form: str, site: Site, packages: Path
) -> None:
    site.backend.begin()
    site.backend.may_go_on.set()
    process = await asyncio.create_subprocess_exec(
        "node",
        str(packages / "streaming.js"),
        env={
            "PATH": os.environ["PATH"],
            "OPENAI_BASE_URL": f"{site.url(('nginx', form))}/v1",
            "OPENAI_API_KEY": "unused",
            "NODE_EXTRA_CA_CERTS": str(site.authority),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert printed.decode().startswith("onetwo\n")
