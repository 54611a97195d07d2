"""Bodies of relayed requests: streamed both ways, bounded, and cut."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.gateway import Gateway, GatewayFactory, replace_upstreams
from support.serving import bare_environment, serving
from support.waiting import settled, until

from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.upstream import Upstream, UpstreamKind
from modegate.simulator.large_bodies import PIECE, LargeBodies
from modegate.simulator.loopback_server import Handler, LoopbackServer, Reply, Request

OWN = {"X-OpenAI-API-Key": "sk-own-key"}
FILES = "/v1/files"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
MIB = 1024 * 1024
LARGE = 64 * MIB
OCTETS = {"Content-Type": "application/octet-stream"}
BOUNDARY = "b0undary"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(model: str, file: bytes, *, file_first: bool = False) -> bytes:
    field = b'--%b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n' % (
        BOUNDARY.encode(),
        model.encode(),
    )
    content = (
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="model"\r\n\r\n%b\r\n'
        % (BOUNDARY.encode(), file)
    )
    parts = (content, field) if file_first else (field, content)
    return b"".join((*parts, b"--%b--\r\n" % BOUNDARY.encode()))


async def echo(request: Request, reply: Reply) -> None:
    head = {"content-type": request.headers.get("content-type", "none")}
    await reply.whole(200, request.body, head)


@asynccontextmanager
async def relaying(
    gateway: GatewayFactory, handler: Handler, **settings: Any
) -> AsyncIterator[tuple[Gateway, LoopbackServer]]:
    server = LoopbackServer(handler)
    async with server.running() as url, gateway(**known(url) | settings) as running:
        yield running, server


def known(url: str) -> dict[str, Any]:
    return {
        "openai_base_url": f"{url}/v1",
        "openai_api_key": "sk-server",
        "upstream_max_retries": 0,
    }


@pytest.mark.parametrize("chunked", [False, True])
async def test_forms_are_relayed_byte_for_byte_with_their_framing(
    gateway: GatewayFactory, chunked: bool
) -> None:
    body = form("whisper-1", PIECE * 40)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    async with relaying(gateway, echo) as (running, upstream):
        content = pieces() if chunked else body
        answered = await running.http.post(TRANSCRIPTIONS, content=content, headers=MULTIPART)
    assert answered.content == body
    assert answered.headers["content-type"] == MULTIPART["Content-Type"]
    (request,) = upstream.requests
    assert request.headers.get("content-length") == (None if chunked else str(len(body)))


async def test_sizes_are_bounded_by_their_own_settings(gateway: GatewayFactory) -> None:
    limits = {"max_body_bytes": 2048, "max_json_bytes": 4096, "max_upload_bytes": 8192}
    async with relaying(gateway, echo, **limits) as (running, _):

        async def status(path: str, size: int, headers: dict[str, str]) -> int:
            body = b'{"a":"%b"}' % (b"x" * (size - 8))
            return (await running.http.post(path, content=body, headers=headers)).status_code

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(9):
                yield b"x" * 1024

        json_type = {"Content-Type": "application/json"}
        assert await status("/v1/embeddings", 4096, json_type) == 200
        assert await status("/v1/embeddings", 4097, json_type) == 413
        assert await status("/v1/images/edits", 8192, OCTETS) == 200
        assert await status("/v1/images/edits", 8193, OCTETS) == 413
        streamed = await running.http.post("/v1/images/edits", content=pieces(), headers=OCTETS)
        assert streamed.status_code == 413


async def test_an_early_answer_reaches_the_client_during_its_upload(
    gateway: GatewayFactory,
) -> None:
    refused = b'{"error": {"message": "too large", "code": "early"}}'

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1000)
        head = b"HTTP/1.1 413 Large\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(refused) + refused)
        while await reader.read(MIB):
            pass
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with gateway(**known(url)) as running:
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {FILES} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        writer.write(f"{head}X-OpenAI-API-Key: sk-own\r\nContent-Length: 100000\r\n\r\n".encode())
        writer.write(b"x" * 2000)
        status = await reader.readuntil(b"\r\n\r\n")
        assert status.startswith(b"HTTP/1.1 413")
        assert await reader.readexactly(len(refused)) == refused
        writer.close()
    server.close()


async def test_a_client_that_leaves_during_its_upload_cuts_it_upstream(
    gateway: GatewayFactory,
) -> None:
    upstream = LargeBodies()
    async with upstream.running() as url, gateway(**known(url)) as running:
        host, port = running.url.removeprefix("http://").split(":")
        for framing in ("Content-Length: 100000", "Transfer-Encoding: chunked"):
            before = upstream.received
            _, writer = await asyncio.open_connection(host, int(port))
            head = f"POST {FILES} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n{framing}"
            writer.write(f"{head}\r\nX-OpenAI-API-Key: sk-own\r\n\r\n".encode())
            writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
            await until(lambda: upstream.received >= before + 1000)  # noqa: B023
            writer.close()
        answered = await running.http.post(FILES, content=b"abc", headers=OWN | OCTETS)
    assert answered.json()["bytes"] == 3
    assert upstream.complete == 1


async def test_a_download_that_the_upstream_cuts_is_no_complete_answer(
    gateway: GatewayFactory,
) -> None:
    async def cut(request: Request, reply: Reply) -> None:
        if "length" in request.path:
            await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
        else:
            await reply.begin({"content-type": "application/octet-stream"})
            await reply.chunk(b"x" * 1000)
        reply.cut()

    async with relaying(gateway, cut) as (running, _):
        for name in ("length", "chunks"):
            path = f"{FILES}/{name}/content"
            received = bytearray()
            async with running.http.stream("GET", path, headers=OWN) as response:
                assert response.status_code == 200
                with pytest.raises(httpx2.RemoteProtocolError):
                    await collect(response, received)
            assert received == b"x" * 1000


async def test_a_cut_download_ends_also_with_another_request_behind_it(
    gateway: GatewayFactory,
) -> None:
    behind = asyncio.Event()

    async def cut(_: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
        await behind.wait()
        reply.cut()

    request = f"GET {FILES}/f/content HTTP/1.1\r\nX-OpenAI-API-Key: sk-own-key\r\n\r\n".encode()
    async with relaying(gateway, cut) as (running, upstream):
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request + request)
        await reader.readuntil(b"x" * 1000)
        behind.set()
        assert b"x" not in await reader.read()
        await settled()
        writer.close()
    assert len(upstream.requests) == 1


async def test_the_model_in_a_form_is_found_changed_and_checked(gateway: GatewayFactory) -> None:
    # The table of upstreams is replaced on the running gateway.
    async with relaying(gateway, echo) as (running, upstream):
        use_second_upstream(running, upstream.url)
        body = form("stt/whisper", PIECE)
        answered = await running.http.post(TRANSCRIPTIONS, content=body, headers=MULTIPART)
        assert answered.content == form("whisper", PIECE)
        assert upstream.requests[-1].headers["authorization"] == "Bearer sk-second"
        first = await running.http.post(
            TRANSCRIPTIONS, content=form("whisper", PIECE), headers=MULTIPART
        )
        assert first.content == form("whisper", PIECE)
        assert upstream.requests[-1].headers["authorization"] == "Bearer sk-server"
        late = form("stt/whisper", b"x" * (2 * MIB), file_first=True)
        assert (
            await running.http.post(TRANSCRIPTIONS, content=late, headers=MULTIPART)
        ).content == late
        image = await running.http.post(
            "/v1/images/edits", content=form("stt/image", PIECE), headers=MULTIPART
        )
        embedded = await running.http.post("/v1/embeddings", json={"model": "stt/e", "input": "x"})
    for refused in (image, embedded):
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "unsupported_capability"
        assert "audio, text" in refused.json()["error"]["message"]


async def test_images_in_messages_need_the_capability_and_completions_need_the_kind(
    gateway: GatewayFactory,
) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:,"}}
    async with relaying(gateway, echo) as (running, upstream):
        use_second_upstream(running, upstream.url)
        image = await running.chat(model="stt/x", text=[part])  # type: ignore[arg-type]
        response = await running.http.post(
            "/v1/responses",
            json={
                "model": "stt/x",
                "input": [{"role": "user", "content": [{"type": "input_image"}]}],
            },
        )
        # Chat completions and responses are translated for it.
        other = await running.http.post(
            "/v1/completions", json={"model": "claude/x", "prompt": "Hi"}
        )
    for refused in (image, response):
        assert refused.json()["error"]["code"] == "unsupported_capability"
    assert (other.status_code, other.json()["error"]["code"]) == (400, "unsupported_endpoint")
    assert not upstream.requests


async def test_json_fails_over_to_the_next_credential_and_an_upload_does_not(
    gateway: GatewayFactory,
) -> None:
    async def limit(request: Request, reply: Reply) -> None:
        if request.headers["authorization"] == "Bearer sk-one":
            await reply.whole(401, b"{}", {"content-type": "application/json"})
        else:
            await echo(request, reply)

    async with relaying(gateway, limit) as (running, upstream):
        use_pool(running, upstream.url, ("sk-one", "sk-two"))
        upload = await running.http.post(TRANSCRIPTIONS, content=b"abc", headers=OCTETS)
        assert upload.status_code == 401
        use_pool(running, upstream.url, ("sk-one", "sk-two"), start="b")
        asked = await running.http.post("/v1/embeddings", json={"model": "e", "input": "x"})
        assert asked.status_code == 200


async def test_the_memory_for_an_upload_and_a_download_is_bounded(tmp_path: Path) -> None:
    upstream = LargeBodies(LARGE)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGE // len(PIECE)):
            yield PIECE

    async with upstream.running() as url:
        environment = bare_environment(tmp_path) | {
            "OPENAI_BASE_URL": f"{url}/v1",
            "OPENAI_API_KEY": "sk-server",
            "CLAUDE_WARM_PROCESSES": "0",
        }
        with serving(folder=tmp_path, environment=environment) as running:
            async with httpx2.AsyncClient(
                base_url=running.url, trust_env=False, timeout=120, headers=OWN
            ) as http:
                await http.post(FILES, content=b"warm", headers=OCTETS)
                before = peak_kib(running.process.pid)
                answered = await http.post(FILES, content=pieces(), headers=OCTETS)
                digest = hashlib.sha256()
                async with http.stream("GET", f"{FILES}/x/content") as response:
                    async for piece in response.aiter_bytes():
                        digest.update(piece)
                grown = peak_kib(running.process.pid) - before
    expected = hashlib.sha256(PIECE * (LARGE // len(PIECE))).hexdigest()
    assert answered.json() == {"bytes": LARGE, "sha256": expected}
    assert digest.hexdigest() == expected
    assert grown < LARGE / 2 / 1024


async def collect(response: httpx2.Response, received: bytearray) -> None:
    async for piece in response.aiter_bytes():
        received += piece


def peak_kib(pid: int) -> int:
    """Returns the peak of the resident set."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def use_second_upstream(gateway: Gateway, url: str) -> None:
    """Adds an upstream with the prefix `stt`, for text and audio, and one of another kind."""
    first = gateway.container.configuration_source().current().routes.upstreams[0]
    second = Upstream(
        name="second",
        base_url=f"{url}/v1",
        prefix="stt",
        credentials=(Credential("second", ApiKey("sk-second")),),
        capabilities=frozenset({Capability.TEXT, Capability.AUDIO}),
    )
    third = replace(second, name="third", prefix="claude", kind=UpstreamKind.ANTHROPIC)
    third = replace(third, credentials=(Credential("third", ApiKey("sk-third")),))
    replace_upstreams(gateway, (first, second, third))


def use_pool(gateway: Gateway, url: str, keys: tuple[str, ...], start: str = "a") -> None:
    credentials = tuple(Credential(f"{start}{at}", ApiKey(key)) for at, key in enumerate(keys))
    upstream = Upstream(name="openai", base_url=f"{url}/v1", credentials=credentials)
    replace_upstreams(gateway, (upstream,))
