"""Passthrough through the running gateway, byte for byte."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx2
import openai
import pytest
from support.gateway import Gateway, GatewayFactory
from support.waiting import requests_under_way, until
from yarl import URL

from modegate.adapters.openai_sdk.endpoint import Endpoint
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.transport.transport import Transport
from modegate.simulator.loopback_server import Handler, LoopbackServer, Reply, Request

BODY = b'{"model" : "gpt-4o",  "messages":[], "unknown": {"deep": [1e2, "\\u00fc"]} }'
STREAM = b'{"model":"gpt-4o","stream":true,"messages":[]}'
ANSWER = b'{"id": "x",\n "choices" : [ ], "odd": 1.0e-3, "u": "\xc3\xbc"}\n'
JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
CHUNKS = [
    b'data: {"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}\n\n',
    b": comment\n\n",
    b'data: {"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
]
DONE = b"data: [DONE]\n\n"
QUICK = {"openai_api_key": "sk-server", "upstream_max_retries": 0}


class Upstream:
    """A gateway and the upstream behind it, which answers as `handler` says."""

    def __init__(self, gateway: GatewayFactory) -> None:
        self.gateway = partial(gateway, **QUICK)
        self.handler: Handler = answer
        self.server = LoopbackServer(self._answer)

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    async def _answer(self, request: Request, reply: Reply) -> None:
        await self.handler(request, reply)

    @asynccontextmanager
    async def behind(self, handler: Handler, **settings: object) -> AsyncIterator[Gateway]:
        self.handler = handler
        async with (
            self.server.running() as url,
            self.gateway(**({"openai_base_url": f"{url}/v1"} | settings)) as running,
        ):
            yield running


@pytest.fixture
def upstream(gateway: GatewayFactory) -> Upstream:
    return Upstream(gateway)


async def answer(_: Request, reply: Reply) -> None:
    await reply.whole(200, ANSWER, JSON)


async def stream(_: Request, reply: Reply) -> None:
    await reply.begin(EVENTS)
    for chunk in (*CHUNKS, DONE):
        await reply.chunk(chunk)
    await reply.end()


async def silence(_: Request, reply: Reply) -> None:
    await reply.gone.wait()


async def post(gateway: Gateway, body: bytes = BODY, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.http.post("/v1/chat/completions", content=body, headers=JSON | named)


async def test_bodies_are_handed_on_byte_for_byte_in_both_directions(upstream: Upstream) -> None:
    async with upstream.behind(answer) as gateway:
        response = await post(gateway)
    assert upstream.requests[0].body == BODY
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert response.content == ANSWER
    assert response.headers["content-type"] == "application/json"
    assert response.headers["X-Backend-Mode"] == "openai-passthrough"


async def test_a_megabyte_is_handed_on(upstream: Upstream) -> None:
    async def echo(request: Request, reply: Reply) -> None:
        await reply.whole(200, request.body, JSON)

    body = b'{"a":"%b"}' % (b"x" * (1024 * 1024 - 8))
    async with upstream.behind(echo) as gateway:
        assert (await post(gateway, body)).content == body
        assert (await post(gateway, body + b" ")).status_code == 413


async def test_the_clients_key_for_modegate_goes_nowhere(upstream: Upstream) -> None:
    async with upstream.behind(answer) as gateway:
        await post(gateway, Authorization="Bearer sk-cca-secret", X_Extra="x", Cookie="c=1")
        await post(gateway, X_OpenAI_API_Key="sk-mine")
    first, second = upstream.requests
    assert first.headers["authorization"] == "Bearer sk-server"
    assert second.headers["authorization"] == "Bearer sk-mine"
    for request in upstream.requests:
        assert "secret" not in str(request.headers)
        assert not {"cookie", "x-extra", "x-openai-api-key"} & request.headers.keys()


async def test_a_key_that_a_client_may_not_bring_is_ignored(upstream: Upstream) -> None:
    async with upstream.behind(answer, allow_client_openai_key=False) as gateway:
        assert (await post(gateway, X_OpenAI_API_Key="x" * 300)).status_code == 200
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-server"


async def test_without_a_key_the_way_out_is_told(upstream: Upstream) -> None:
    async with upstream.behind(answer, openai_api_key=None) as gateway:
        response = await post(gateway)
        assert (await post(gateway, X_OpenAI_API_Key="sk-mine")).status_code == 200
    assert response.status_code == 503
    error = response.json()["error"]
    assert error["code"] == "passthrough_not_configured"
    assert "OPENAI_API_KEY" in error["message"]
    assert "X-OpenAI-API-Key" in error["message"]


async def test_switched_off(upstream: Upstream) -> None:
    async with upstream.behind(answer, openai_passthrough_enabled=False) as gateway:
        for body in (BODY, STREAM):
            response = await post(gateway, body)
            assert response.status_code == 503
            assert response.json()["error"]["code"] == "passthrough_disabled"
            assert response.headers["X-Backend-Mode"] == "openai-passthrough"


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 529])
async def test_an_upstream_error_keeps_status_body_and_headers(
    status: int, body: bytes, upstream: Upstream
) -> None:
    told = b'{"error": {"message":"no\\u0021" } }\n'
    headers = {
        **JSON,
        "x-request-id": "req_1",
        "x-ratelimit-remaining-requests": "7",
        "openai-version": "2020-10-01",
        "retry-after": "3",
        "x-should-retry": "false",
        "set-cookie": "secret=1",
        "connection": "keep-alive",
        "x-internal": "1",
    }

    async def refuse(_: Request, reply: Reply) -> None:
        await reply.whole(status, told, headers)

    async with upstream.behind(refuse) as gateway:
        response = await post(gateway, body)
    assert (response.status_code, response.content) == (status, told)
    assert response.headers["X-Upstream-Request-ID"] == "req_1"
    assert response.headers["X-Request-ID"] != "req_1"
    for name in (
        "x-ratelimit-remaining-requests",
        "openai-version",
        "retry-after",
        "x-should-retry",
    ):
        assert response.headers[name] == headers[name]
    assert not {"set-cookie", "x-internal"} & response.headers.keys()


async def test_a_stream_is_handed_on_event_for_event(upstream: Upstream) -> None:
    async with upstream.behind(stream) as gateway:
        response = await post(gateway, STREAM)
    assert response.content == b"".join(CHUNKS) + DONE
    assert response.headers["content-type"].startswith("text/event-stream")


async def test_events_are_not_held_back(upstream: Upstream) -> None:
    go_on = asyncio.Event()

    async def slowly(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(CHUNKS[0])
        await go_on.wait()
        await reply.chunk(CHUNKS[3] + DONE)
        await reply.end()

    async with (
        upstream.behind(slowly) as gateway,
        gateway.http.stream(
            "POST", "/v1/chat/completions", content=STREAM, headers=JSON
        ) as response,
    ):
        parts = response.aiter_raw()
        assert await anext(parts) == CHUNKS[0]
        go_on.set()
        assert b"".join([part async for part in parts]) == CHUNKS[3] + DONE


@pytest.mark.parametrize("clean", [True, False], ids=["clean end", "broken connection"])
async def test_a_stream_that_is_cut_anywhere(clean: bool, upstream: Upstream) -> None:
    whole = b"".join(CHUNKS) + DONE
    first = len(CHUNKS[0]) - len(b"\n\n")
    finish = len(b"".join(CHUNKS)) - len(b"\n\n")
    cut = 0

    async def until_cut(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(whole[:cut])
        if clean:
            await reply.end()
        else:
            reply.cut()

    async with upstream.behind(until_cut) as gateway:
        for cut in range(len(whole) + 1):
            response = await post(gateway, STREAM)
            got = response.content
            assert response.status_code == (502 if cut < first else 200)
            if cut < first:
                continue
            assert got.endswith(DONE)
            assert got.count(DONE) == 1
            *events, last = got.removesuffix(DONE).split(b"\n\n")
            assert last == b""
            said_error = bool(events) and b'"stream_error"' in events[-1]
            assert said_error == (cut < finish)
            handed_on = events[:-1] if said_error else events
            assert whole.startswith(b"".join(event + b"\n\n" for event in handed_on))


async def test_a_client_can_tell_a_cut_answer(upstream: Upstream) -> None:
    async def cut(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(CHUNKS[0])
        reply.cut()

    async with upstream.behind(cut) as gateway:
        chunks = await gateway.sdk.chat.completions.create(model="x", messages=[], stream=True)
        with pytest.raises(openai.APIError, match="incomplete"):
            async for _ in chunks:
                pass


async def test_an_upstream_that_answers_a_stream_otherwise(upstream: Upstream) -> None:
    async with upstream.behind(answer) as gateway:
        response = await post(gateway, STREAM)
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_invalid_response"


async def test_an_encoding_that_was_not_asked_for_is_undone(upstream: Upstream) -> None:
    import gzip  # noqa: PLC0415

    async def compressed(_: Request, reply: Reply) -> None:
        await reply.whole(200, gzip.compress(ANSWER), {**JSON, "content-encoding": "gzip"})

    async with upstream.behind(compressed) as gateway:
        response = await post(gateway)
    assert upstream.requests[0].headers["accept-encoding"] == "identity"
    assert response.content == ANSWER
    assert "content-encoding" not in response.headers


async def test_a_redirect_is_not_followed(upstream: Upstream) -> None:
    async def redirect(_: Request, reply: Reply) -> None:
        await reply.whole(307, b"", {"location": "http://127.0.0.1:1/steal"})

    async with upstream.behind(redirect) as gateway:
        response = await post(gateway)
    assert response.status_code == 502
    assert "OPENAI_BASE_URL" in response.json()["error"]["message"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
async def test_attempts_are_made_again_before_the_first_byte_alone(
    body: bytes, upstream: Upstream
) -> None:
    answers: list[Handler] = []

    async def next_answer(request: Request, reply: Reply) -> None:
        await answers.pop(0)(request, reply)

    async def overloaded(_: Request, reply: Reply) -> None:
        await reply.whole(503, b"{}", {"retry-after": "0"})

    async def hang_up(_: Request, reply: Reply) -> None:
        reply.cut()

    answers[:] = [overloaded, hang_up, stream]
    async with upstream.behind(next_answer, upstream_max_retries=2) as gateway:
        response = await post(gateway, body)
    assert response.status_code == 200
    assert [request.body for request in upstream.requests] == [body] * 3


async def test_no_connection(upstream: Upstream) -> None:
    async with upstream.behind(answer, openai_base_url="http://127.0.0.1:1/v1") as gateway:
        for body in (BODY, STREAM):
            response = await post(gateway, body)
            assert response.status_code == 502
            assert response.json()["error"]["code"] == "upstream_unreachable"
            assert "127.0.0.1" not in response.text


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize("setting", ["request_timeout_ms", "upstream_first_byte_timeout_ms"])
async def test_no_answer_in_time(setting: str, body: bytes, upstream: Upstream) -> None:
    async with upstream.behind(silence, **{setting: 200}) as gateway:
        response = await post(gateway, body)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "timeout"


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
async def test_the_wait_for_the_first_byte_is_no_part_of_the_total(
    body: bytes, upstream: Upstream
) -> None:
    async def slow_to_begin(request: Request, reply: Reply) -> None:
        if request.json.get("stream"):
            await reply.begin(EVENTS)
        await reply.sleep(10.5)  # longer than the total
        if request.json.get("stream"):
            await reply.chunk(CHUNKS[3] + DONE)
            await reply.end()
        else:
            await answer(request, reply)

    settings = {"request_timeout_ms": 10_000, "upstream_first_byte_timeout_ms": 60_000}
    async with upstream.behind(slow_to_begin, **settings) as gateway:
        response = await post(gateway, body)
    assert response.status_code == 200


async def test_an_answer_that_does_not_go_on_is_too_slow(upstream: Upstream) -> None:
    async def stops(_: Request, reply: Reply) -> None:
        await reply.begin(JSON)
        await reply.chunk(ANSWER[:5])
        await reply.gone.wait()

    settings = {"request_timeout_ms": 200, "upstream_first_byte_timeout_ms": 60_000}
    async with upstream.behind(stops, **settings) as gateway:
        for body in (BODY, STREAM):
            assert (await post(gateway, body)).status_code == 504


@pytest.mark.exhaustive  # for its time: a shorter bound would depend on the machine's speed
async def test_a_stream_that_flows_is_not_cut_at_the_total(upstream: Upstream) -> None:
    async def flows(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        for _word in range(12):
            await reply.chunk(CHUNKS[0])
            await reply.sleep(1.0)
        await reply.chunk(CHUNKS[3] + DONE)
        await reply.end()

    async with upstream.behind(flows, request_timeout_ms=10_000) as gateway:
        response = await post(gateway, STREAM)
    assert response.content == CHUNKS[0] * 12 + CHUNKS[3] + DONE


async def test_a_stream_that_falls_silent_is_cut(upstream: Upstream) -> None:
    async def falls_silent(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(CHUNKS[0])
        await reply.gone.wait()

    settings = {"request_timeout_ms": 200, "upstream_first_byte_timeout_ms": 60_000}
    async with upstream.behind(falls_silent, **settings) as gateway:
        response = await post(gateway, STREAM)
    assert b'"stream_error"' in response.content
    assert response.content.endswith(DONE)


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
async def test_the_upstream_is_left_when_the_client_leaves_before_the_answer(
    body: bytes, upstream: Upstream
) -> None:
    async with upstream.behind(silence) as gateway:
        asking = asyncio.create_task(post(gateway, body))
        await until(lambda: upstream.requests)
        asking.cancel()
        await asyncio.wait({asking})
        await until(lambda: upstream.server.abandoned == 1)


async def test_the_upstream_is_left_when_the_client_leaves_in_mid_stream(
    upstream: Upstream,
) -> None:
    async def never_ends(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(CHUNKS[0])
        await reply.gone.wait()

    async with upstream.behind(never_ends) as gateway:
        async with gateway.http.stream(
            "POST", "/v1/chat/completions", content=STREAM, headers=JSON
        ) as response:
            await anext(response.aiter_raw())
        await until(lambda: upstream.server.abandoned == 1)


async def test_an_end_mark_is_not_waited_behind(upstream: Upstream) -> None:
    async def stays_open(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(CHUNKS[3] + DONE)
        await reply.gone.wait()

    async with upstream.behind(stays_open) as gateway, asyncio.timeout(30):
        response = await post(gateway, STREAM)
    assert response.content == CHUNKS[3] + DONE


async def test_connections_are_used_again_also_after_errors(upstream: Upstream) -> None:
    ports: set[str] = set()

    async def count(request: Request, reply: Reply) -> None:
        ports.add(reply.peer)
        if b"fail" in request.body:
            await reply.whole(400, b"{}", JSON)
        else:
            await (stream if b"stream" in request.body else answer)(request, reply)

    async with upstream.behind(count) as gateway:
        for body in (BODY, b'{"a":"fail"}', STREAM, BODY, STREAM, b'{"a":"fail"}', BODY):
            await post(gateway, body)
    assert len(ports) == 1


async def test_the_upstreams_models(upstream: Upstream) -> None:
    async def models(_: Request, reply: Reply) -> None:
        listed = {"object": "list", "data": [{"id": "gpt-9", "object": "model"}, {"id": "gpt-4"}]}
        await reply.whole(200, json.dumps(listed).encode(), JSON)

    async with upstream.behind(models) as gateway:
        own = (await gateway.http.get("/v1/models")).json()["data"]
        both = (await gateway.http.get("/v1/models?include=upstream")).json()["data"]
        assert (await gateway.http.get("/v1/models/gpt-9")).status_code == 404
        one = await gateway.http.get("/v1/models/gpt-9?include=upstream")
    assert both[: len(own)] == own
    assert both[len(own) :] == [{"id": "gpt-9", "object": "model"}]
    assert one.json() == {"id": "gpt-9", "object": "model"}


async def test_an_upstream_without_a_list_of_models_hides_none_of_claudes(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    told: dict[str, tuple[int, bytes, str | None]] = {
        "null": (200, b'{"object": "list", "data": null}', "upstream_invalid_response"),
        "no list": (200, b'{"data": 3}', "upstream_invalid_response"),
        "nonsense": (200, b"<html>", "upstream_invalid_response"),
        "no models": (200, b'{"data": [1, {"name": "b"}]}', "upstream_invalid_response"),
        "a redirect": (301, b"", "upstream_invalid_response"),
        "no route": (404, b'{"error": {"message": "no route"}}', "upstream_error"),
        "an array": (200, b'[{"id": "gpt-9"}]', None),
        "an entry without id": (200, b'{"data": [{"id": "gpt-9"}, {"name": "b"}]}', None),
        "an empty list": (200, b'{"data": []}', None),
    }
    case = ""

    async def odd(_: Request, reply: Reply) -> None:
        await reply.whole(*told[case][:2], JSON)

    async with upstream.behind(odd) as gateway:
        own = (await gateway.http.get("/v1/models")).json()["data"]
        for case, (_, body, code) in told.items():
            response = await gateway.http.get("/v1/models?include=upstream")
            assert response.status_code == 200, case
            listed = response.json()["data"]
            assert listed[: len(own)] == own, case
            assert [it["id"] for it in listed[len(own) :]] == ["gpt-9"] * (b"gpt-9" in body), case
            assert response.headers.get("X-Upstream-Models-Error") == code, case
            known = await gateway.http.get("/v1/models/sonnet?include=upstream")
            assert known.status_code == 200, case
            unknown = await gateway.http.get("/v1/models/gpt-7?include=upstream")
            assert unknown.status_code == (502 if code and "invalid" in code else 404), case
    assert "upstream models left out: 1 without an id" in caplog.text


@pytest.mark.parametrize("up", [True, False], ids=["silent", "unreachable"])
async def test_an_upstream_that_does_not_list_its_models(up: bool, upstream: Upstream) -> None:
    settings: dict[str, object] = {"openai_base_url": "http://127.0.0.1:1/v1"}
    if up:
        settings = {"request_timeout_ms": 200}
    async with upstream.behind(silence, **settings) as gateway:
        response = await gateway.http.get("/v1/models?include=upstream")
    assert response.status_code == 200
    code = "timeout" if up else "upstream_unreachable"
    assert response.headers["X-Upstream-Models-Error"] == code


async def test_a_proxy_of_the_environment(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with upstream.server.running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.replace("http://", "http://user:secret@"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with upstream.gateway(openai_base_url="http://upstream.example/v1") as gateway:
            answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert answered.content == ANSWER
    (request,) = upstream.requests
    assert request.path == "http://upstream.example/v1/chat/completions"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpzZWNyZXQ="
    assert request.headers["authorization"] == "Bearer sk-server"


async def test_each_upstream_of_a_transport_is_reached_its_own_way(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Transport(UpstreamOptions())
    async with upstream.server.running() as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for base in (URL(url), URL("http://upstream.example"), URL(url)):
            async with await transport.models(Endpoint(base, base / "models", {})) as answered:
                assert await answered.body.read_all() == ANSWER
        await transport.aclose()
    paths = [request.path for request in upstream.requests]
    assert paths == ["/models", "http://upstream.example/models", "/models"]


@pytest.mark.parametrize("body", [BODY, STREAM])
async def test_a_header_in_any_encoding_is_handed_on(body: bytes, upstream: Upstream) -> None:
    told = ANSWER if body == BODY else CHUNKS[3] + DONE

    async def odd(_: Request, reply: Reply) -> None:
        await reply.raw(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"openai-organization: \xe4\xb8\xad\xff\r\n\r\n%b" % (len(told), told)
        )

    async with upstream.behind(odd) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=body, headers=JSON)
    assert (answered.status_code, answered.content) == (200, told)
    raw = dict(answered.headers.raw)
    assert raw[b"openai-organization"] == b"\xe4\xb8\xad\xff"


async def test_a_status_that_http_does_not_have(upstream: Upstream) -> None:
    async def odd(_: Request, reply: Reply) -> None:
        await reply.whole(999, b"{}", JSON)

    async with upstream.behind(odd) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert answered.status_code == 502
    assert answered.json()["error"]["code"] == "upstream_unreachable"


async def test_events_are_events_however_their_type_is_written(upstream: Upstream) -> None:
    async def shouts(_: Request, reply: Reply) -> None:
        await reply.begin({"content-type": "Text/Event-Stream; Charset=UTF-8"})
        for chunk in (*CHUNKS, DONE):
            await reply.chunk(chunk)
        await reply.end()

    async with upstream.behind(shouts) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=STREAM, headers=JSON)
    assert answered.content == b"".join((*CHUNKS, DONE))


async def test_a_refusal_that_breaks_off_is_not_asked_for_again(upstream: Upstream) -> None:
    async def broken(_: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 400 Bad\r\ncontent-length: 100\r\n\r\n{")
        reply.cut()

    async with upstream.behind(broken, upstream_max_retries=2) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert answered.status_code == 400
    assert len(upstream.requests) == 1


async def test_a_wait_that_is_longer_than_the_time_left_is_the_clients(upstream: Upstream) -> None:
    async def later(_: Request, reply: Reply) -> None:
        await reply.whole(429, b'{"error":1}', {**JSON, "retry-after": "40"})

    settings = {"upstream_max_retries": 2, "request_timeout_ms": 60_000}
    async with upstream.behind(later, **settings) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert (answered.status_code, answered.content) == (429, b'{"error":1}')
    assert answered.headers["retry-after"] == "40"


async def test_every_429_says_when_to_come_back(upstream: Upstream) -> None:
    async def refuse(_: Request, reply: Reply) -> None:
        await reply.whole(429, b"{}", JSON)

    async with upstream.behind(refuse) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert answered.headers["retry-after"] == "1"


@pytest.mark.parametrize("end", [b"", b"0"])
async def test_a_request_that_never_ended_is_not_carried_out(
    end: bytes, upstream: Upstream
) -> None:
    async with upstream.behind(silence) as gateway:
        host, port = gateway.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
            b"content-type: application/json\r\n\r\n%x\r\n%b\r\n%b" % (len(BODY), BODY, end)
        )
        await writer.drain()
        writer.close()
        await gateway.http.get("/live")
        await until(lambda: not requests_under_way())
    assert not upstream.requests
