"""The wire format for HTTP/1.0 clients, proxies and browsers."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from support.gateway import Gateway, GatewayFactory
from support.reaching import spoken
from support.waiting import settled, until

from modegate.domain.turn import Turn
from modegate.entrypoints.http.server.connection import protocol
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.answer_backend import ScriptedBackend, says

CHAT = "/v1/chat/completions"
PAGE = "https://chat.example"
JSON = "application/json"
EVENTS = {"content-type": "text/event-stream"}
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}


@pytest.fixture
async def running(gateway: GatewayFactory) -> AsyncIterator[Gateway]:
    async with gateway(
        claude=ScriptedBackend(*says("Hi")), cors_allowed_origins=(PAGE,)
    ) as started:
        yield started


def post(version: str, *headers: str, stream: bool = True) -> bytes:
    """Returns a raw chat request of an HTTP version."""
    messages = [{"role": "user", "content": "Hi"}]
    body = json.dumps({"model": "sonnet", "messages": messages, "stream": stream})
    length = f"Content-Length: {len(body)}"
    lines = (f"POST {CHAT} HTTP/{version}", f"Content-Type: {JSON}", length, *headers, "", body)
    return "\r\n".join(lines).encode()


async def exchange(gateway: Gateway, request: bytes) -> tuple[str, bytes]:
    """Returns the lower-case head, and all bytes until the gateway closes the connection."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.read()
    writer.close()
    return head.decode().lower(), body


@pytest.mark.parametrize("connection", ["close", "keep-alive", "Keep-Alive, x"])
async def test_a_stream_to_an_http_1_0_client_ends_by_closing_the_connection(
    connection: str, running: Gateway
) -> None:
    asked = post("1.0", f"Connection: {connection}", "X-Claude-Code: 1", "Expect: 100-continue")
    head, body = await exchange(running, asked)
    assert head.startswith("http/1.1 200 ")
    assert "connection: close\r\n" in head
    assert "transfer-encoding" not in head
    assert body.startswith(b"data: {")
    assert body.endswith(b"\n\ndata: [DONE]\n\n")


async def test_a_plain_answer_to_an_http_1_0_client_has_a_content_length(running: Gateway) -> None:
    head, body = await exchange(running, post("1.0", "X-Claude-Code: 1", stream=False))
    assert f"content-length: {len(body)}\r\n" in head
    assert json.loads(body)["object"] == "chat.completion"
    head, body = await exchange(running, b"HEAD /health HTTP/1.0\r\n\r\n")
    assert (head.startswith("http/1.1 200"), body) == (True, b"")
    head, body = await exchange(running, b"GET /nothing HTTP/1.0\r\n\r\n")
    assert json.loads(body)["error"]["code"] == "not_found"


async def test_a_failed_stream_to_an_http_1_0_client_ends_with_an_error_event(
    gateway: GatewayFactory,
) -> None:
    async with gateway(claude=ScriptedBackend(*says("Hi")[:-1], KeyError())) as running:
        head, body = await exchange(running, post("1.0", "X-Claude-Code: 1"))
    assert "transfer-encoding" not in head
    assert b'"stream_error"' in body
    assert body.endswith(b"\n\ndata: [DONE]\n\n")


async def test_a_truncated_body_never_looks_complete_to_an_http_1_0_client(
    gateway: GatewayFactory,
) -> None:
    async def half(_: Request, reply: Reply) -> None:
        await reply.begin({"content-type": "application/octet-stream"})
        await reply.chunk(b"half")
        await arrived.wait()
        reply.abort()

    arrived = asyncio.Event()
    upstream = LoopbackServer(half)
    async with (
        upstream.running() as url,
        gateway(openai_base_url=url, openai_api_key="x") as running,
    ):
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(post("1.0"))
        if b" 200 " in await reader.readline():
            await reader.readuntil(b"half")
            arrived.set()
            with pytest.raises(ConnectionResetError):
                await reader.read()
        writer.close()


async def test_a_disconnect_of_an_http_1_0_client_ends_its_turn(gateway: GatewayFactory) -> None:
    backend = ScriptedBackend(*says("Hi")[:-1], 60.0)
    async with gateway(claude=backend) as running:
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(post("1.0", "X-Claude-Code: 1"))
        await reader.readuntil(b'"Hi"')
        writer.close()
        await until(lambda: not backend.open)


async def test_stream_headers_disable_proxy_buffering(running: Gateway) -> None:
    streamed = await running.claude(stream=True)
    assert streamed.headers["X-Accel-Buffering"] == "no"
    assert streamed.headers["Cache-Control"] == "no-store, no-transform"
    whole = await running.claude()
    assert "X-Accel-Buffering" not in whole.headers
    assert whole.headers["Cache-Control"] == "no-store"


async def test_response_headers_fit_into_a_4_kib_proxy_buffer(gateway: GatewayFactory) -> None:
    names: dict[str, Any] = {f"{number:03}{'x' * 100}": 1 for number in range(100)}
    async with gateway(claude=ScriptedBackend(*says("Hi"))) as running:
        response = await running.claude(**names)
    assert response.headers["X-Claude-Ignored-Params"].endswith("x, ...")
    assert sum(len(name) + len(value) + 4 for name, value in response.headers.raw) < 4096 - 256


@pytest.mark.parametrize("network", ["Private-Network", "Local-Network"])
async def test_private_network_preflights_are_allowed_only_for_configured_origins(
    network: str, running: Gateway
) -> None:
    asked = PREFLIGHT | {f"Access-Control-Request-{network}": "true"}
    allow = f"Access-Control-Allow-{network}"
    for path in (CHAT, "/v1/sessions"):
        method = {"Access-Control-Request-Method": "POST" if path == CHAT else "GET"}
        response = await running.http.options(path, headers=asked | method)
        assert response.headers[allow] == "true"
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
    for without in (
        await running.http.options(CHAT, headers=PREFLIGHT),
        await running.http.options(CHAT, headers=asked | {f"Access-Control-Request-{network}": ""}),
        await running.http.options(CHAT, headers=asked | {"Origin": "https://evil.example"}),
        await running.http.options(CHAT, headers=asked | {"Origin": "null"}),
        await running.http.options("/nothing", headers=asked),
        await running.claude(headers=asked),
    ):
        assert allow not in without.headers
        assert without.headers["Vary"] == "Origin"


async def test_private_network_preflights_are_denied_without_configured_origins(
    gateway: GatewayFactory,
) -> None:
    asked = PREFLIGHT | {"Access-Control-Request-Private-Network": "true"}
    async with gateway() as closed:
        response = await closed.http.options(CHAT, headers=asked)
    assert not [name for name in response.headers if name.startswith("access-control")]
    async with gateway(cors_allowed_origins=("*",)) as opened:
        response = await opened.http.options(CHAT, headers=asked)
    assert response.headers["Access-Control-Allow-Private-Network"] == "true"


async def test_cors_allows_the_javascript_sdks_request_and_response_headers(
    running: Gateway,
) -> None:
    sent = "authorization,content-type,x-claude-code,x-stainless-arch,x-stainless-retry-count"
    response = await running.http.options(
        CHAT, headers=PREFLIGHT | {"Access-Control-Request-Headers": sent}
    )
    assert response.headers["Access-Control-Allow-Headers"] == sent
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    refused = await running.chat(model="x", headers={"Origin": PAGE})
    assert refused.status_code == 503
    exposed = refused.headers["Access-Control-Expose-Headers"].split(", ")
    assert len(exposed) == len(set(exposed))
    assert {"Retry-After", "X-Should-Retry", "X-Request-ID", "*"} <= {*exposed}


@pytest.mark.parametrize(
    ("opening", "word"),
    [
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\nGET /live HTTP/1.1\r\n\r\n", "send-proxy"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12), "send-proxy"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(32), "TLS"),
    ],
)
async def test_another_protocol_is_rejected_and_named_in_the_log(
    opening: bytes, word: str, running: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await spoken(running, opening)).status_code == 400
    assert any(word in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("line", [b"GET /live", b"GET /live HTTP/0.9", b"GET /live HTTP/2.0"])
async def test_an_unsupported_http_version_is_rejected(
    line: bytes, running: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    refused = await spoken(running, line + b"\r\nhost: x\r\n\r\n")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "invalid_request"
    assert not any(record.levelname == "ERROR" for record in caplog.records)


async def test_an_absolute_request_target_is_routed_by_its_path(running: Gateway) -> None:
    said = await spoken(running, b"GET http://gateway.example:80/live HTTP/1.1\r\nhost: x\r\n\r\n")
    assert said.json() == {"status": "live"}


async def test_a_chunked_request_body_is_read(gateway: GatewayFactory) -> None:
    backend = ScriptedBackend(*says("Hi"))

    async def parts() -> AsyncIterator[bytes]:
        head, _, body = post("1.1", stream=False).partition(b"\r\n\r\n")
        assert head
        yield body[:10]
        yield body[10:]

    async with gateway(claude=backend) as running:
        headers = {"Content-Type": JSON, "X-Claude-Code": "1"}
        response = await running.http.post(CHAT, content=parts(), headers=headers)
    assert response.status_code == 200
    (turn,) = backend.turns
    assert isinstance(turn, Turn)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"POST {CHAT} HTTP/1.0\r\nContent-Type: {JSON}\r\nContent-Length: 9000000\r\n\r\n", 413),
        (f"POST {CHAT} HTTP/1.1\r\nConnection: close\r\nContent-Length: 9000000\r\n\r\n", 415),
        ("GET /live HTTP/1.1\r\nx-long: ", 431),
        ("NONSENSE / HTTP/1.1\r\n\r\n", 400),
    ],
)
async def test_a_client_rejected_while_sending_can_read_the_error(
    head: str, status: int, running: Gateway
) -> None:
    head_sent, body = await exchange(running, head.encode() + b"x" * 9_000_000)
    assert head_sent.startswith(f"http/1.1 {status} ")
    assert json.loads(body)["error"]


async def test_a_request_answered_before_its_end_gets_no_second_answer(
    running: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 10.0)
    lines = (
        f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: 90000000\r\n"
    )
    head, body = await exchange(running, lines.encode() + b"\r\n{")
    assert head.startswith("http/1.1 413 ")
    assert json.loads(body)["error"]["code"] == "payload_too_large"


async def test_an_idle_connection_is_closed_after_the_keep_alive_timeout(
    gateway: GatewayFactory,
) -> None:
    async with gateway(keep_alive_timeout_ms=200) as running:
        head, body = await exchange(running, b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n")
    assert "connection: close" not in head
    assert json.loads(body) == {"status": "live"}


@pytest.mark.parametrize(
    ("forwarded", "refused"),
    [
        ([("X-Forwarded-For", f"[2001:db8::{i}]:{i}0") for i in (1, 2, 3)], 0),
        ([("X-Forwarded-For", f"1.1.1.1:{i}") for i in (1, 2, 3)], 1),
        ([("Forwarded", f'for="1.1.1.{i}:80";proto=https') for i in (1, 2, 3)], 0),
        ([("Forwarded", f"for=9.9.9.{i}, for=1.1.1.1") for i in (1, 2, 3)], 1),
        ([("Forwarded", "for=unknown"), ("X-Forwarded-For", "x"), ("Forwarded", "for=_x")], 1),
    ],
)
async def test_forwarded_client_addresses_are_parsed_in_all_formats(
    forwarded: list[tuple[str, str]], refused: int, gateway: GatewayFactory
) -> None:
    backend = ScriptedBackend(*says("Hi"))
    async with gateway(claude=backend, rate_limit_per_ip=2, trusted_proxies="127.0.0.1") as running:
        responses: list[httpx2.Response] = [
            await running.claude(headers={name: value}) for name, value in forwarded
        ]
    assert [response.status_code for response in responses].count(429) == refused


@pytest.mark.parametrize("varied", ["X-Forwarded-For", "Forwarded"])
async def test_a_client_cannot_evade_its_limit_with_a_second_forwarding_header(
    varied: str, gateway: GatewayFactory
) -> None:
    backend = ScriptedBackend(*says("Hi"))
    async with gateway(claude=backend, rate_limit_per_ip=2, trusted_proxies="127.0.0.1") as running:
        statuses = [
            (
                await running.claude(
                    headers={"X-Forwarded-For": "7.7.7.7", "Forwarded": "for=7.7.7.7"}
                    | {
                        varied: f"for=1.1.1.{number}"
                        if varied == "Forwarded"
                        else f"1.1.1.{number}"
                    }
                )
            ).status_code
            for number in range(3)
        ]
    assert statuses == [200, 200, 429]


async def _disconnects(gateway: Gateway, *requests: bytes, half: bool) -> None:
    """Sends the requests in one packet each, then closes the connection or its sending half."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(requests[0])
    await reader.readuntil(b'"Hi"')
    for request in requests[1:]:
        writer.write(request)
        await writer.drain()
    if half:
        writer.write_eof()
        await reader.read()
    writer.close()


@pytest.mark.parametrize("half", [False, True], ids=["closed", "half-closed"])
@pytest.mark.parametrize("pipelined", [0, 1, 3], ids=["one request", "one behind", "three behind"])
async def test_a_disconnect_ends_the_turn(
    gateway: GatewayFactory, caplog: pytest.LogCaptureFixture, *, half: bool, pipelined: int
) -> None:
    backend = ScriptedBackend(*says("Hi")[:-1], 3600.0)
    requests = [post("1.1", "Host: x", "X-Claude-Code: 1")] * (1 + pipelined)
    async with gateway(claude=backend) as running:
        await _disconnects(running, *requests, half=half)
        await until(lambda: not backend.open)
        await settled()
        assert len(backend.turns) == 1
    assert [it.message for it in caplog.records if it.levelno >= logging.ERROR] == []
