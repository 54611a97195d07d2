"""Passthrough through the running gateway, byte for byte."""

import asyncio
import json
import socket
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
ANSWER = b'{"id": "x",\n "choices" : [ {} ], "odd": 1.0e-3, "u": "\xc3\xbc"}\n'
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
    """A gateway and the upstream behind it, which answers with `handler`."""

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


async def test_request_and_response_bodies_are_relayed_byte_for_byte(upstream: Upstream) -> None:
    async with upstream.behind(answer) as gateway:
        response = await post(gateway)
    assert upstream.requests[0].body == BODY
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert response.content == ANSWER
    assert response.headers["content-type"] == "application/json"
    assert response.headers["X-Backend-Mode"] == "openai-passthrough"


async def test_a_body_of_the_maximum_size_is_relayed_and_a_larger_one_rejected(
    upstream: Upstream,
) -> None:
    async def echo(request: Request, reply: Reply) -> None:
        await reply.whole(200, request.body, JSON)

    body = b'{"choices":[1],"a":"%b"}' % (b"x" * (1024 * 1024 - 22))
    async with upstream.behind(echo) as gateway:
        assert (await post(gateway, body)).content == body
        assert (await post(gateway, body + b" ")).status_code == 413


async def test_the_gateway_key_and_other_client_headers_are_not_sent_upstream(
    upstream: Upstream,
) -> None:
    async with upstream.behind(answer) as gateway:
        await post(gateway, Authorization="Bearer sk-cca-secret", X_Extra="x", Cookie="c=1")
        await post(gateway, X_OpenAI_API_Key="sk-mine")
    first, second = upstream.requests
    assert first.headers["authorization"] == "Bearer sk-server"
    assert second.headers["authorization"] == "Bearer sk-mine"
    for request in upstream.requests:
        assert "secret" not in str(request.headers)
        assert not {"cookie", "x-extra", "x-openai-api-key"} & request.headers.keys()


async def test_a_clients_openai_key_is_ignored_if_it_is_not_allowed(upstream: Upstream) -> None:
    async with upstream.behind(answer, allow_client_openai_key=False) as gateway:
        assert (await post(gateway, X_OpenAI_API_Key="x" * 300)).status_code == 200
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-server"


async def test_the_error_for_a_missing_key_says_how_to_set_one(upstream: Upstream) -> None:
    async with upstream.behind(answer, openai_api_key=None) as gateway:
        response = await post(gateway)
        assert (await post(gateway, X_OpenAI_API_Key="sk-mine")).status_code == 200
    assert response.status_code == 503
    error = response.json()["error"]
    assert error["code"] == "passthrough_not_configured"
    assert "OPENAI_API_KEY" in error["message"]
    assert "X-OpenAI-API-Key" in error["message"]


async def test_disabled_passthrough_is_a_503_error(upstream: Upstream) -> None:
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


async def test_a_stream_is_relayed_unchanged(upstream: Upstream) -> None:
    async with upstream.behind(stream) as gateway:
        response = await post(gateway, STREAM)
    assert response.content == b"".join(CHUNKS) + DONE
    assert response.headers["content-type"].startswith("text/event-stream")


async def test_stream_events_are_relayed_without_buffering(upstream: Upstream) -> None:
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
async def test_a_stream_truncated_anywhere_before_its_finish_is_an_error(
    clean: bool, upstream: Upstream
) -> None:
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


async def test_the_sdk_raises_an_error_on_a_truncated_stream(upstream: Upstream) -> None:
    async def cut(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(CHUNKS[0])
        reply.cut()

    async with upstream.behind(cut) as gateway:
        chunks = await gateway.sdk.chat.completions.create(model="x", messages=[], stream=True)
        with pytest.raises(openai.APIError, match="incomplete"):
            async for _ in chunks:
                pass


async def test_an_unrequested_gzip_encoding_is_decoded(upstream: Upstream) -> None:
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
async def test_failed_attempts_are_retried_before_the_first_byte(
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
    first, *others = (request.body for request in upstream.requests)
    assert first.startswith(body[:-1])
    assert others == [first] * 2


async def test_an_unreachable_upstream_is_a_502_error_without_its_address(
    upstream: Upstream,
) -> None:
    async with upstream.behind(answer, openai_base_url="http://127.0.0.1:1/v1") as gateway:
        for body in (BODY, STREAM):
            response = await post(gateway, body)
            assert response.status_code == 502
            assert response.json()["error"]["code"] == "upstream_unreachable"
            assert "127.0.0.1" not in response.text


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize("setting", ["request_timeout_ms", "upstream_first_byte_timeout_ms"])
async def test_a_silent_upstream_times_out_with_504(
    setting: str, body: bytes, upstream: Upstream
) -> None:
    async with upstream.behind(silence, **{setting: 200}) as gateway:
        response = await post(gateway, body)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "timeout"


@pytest.mark.parametrize(
    "body", [BODY, pytest.param(STREAM, marks=pytest.mark.exhaustive)], ids=["whole", "stream"]
)
async def test_the_first_byte_timeout_is_separate_from_the_request_timeout(
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


async def test_a_response_that_stalls_times_out_with_504(upstream: Upstream) -> None:
    async def stops(_: Request, reply: Reply) -> None:
        await reply.begin(JSON)
        await reply.chunk(ANSWER[:5])
        await reply.gone.wait()

    settings = {"request_timeout_ms": 200, "upstream_first_byte_timeout_ms": 60_000}
    async with upstream.behind(stops, **settings) as gateway:
        for body in (BODY, STREAM):
            assert (await post(gateway, body)).status_code == 504


@pytest.mark.exhaustive  # slow: a shorter bound would depend on the machine's speed
async def test_a_flowing_stream_may_exceed_the_request_timeout(upstream: Upstream) -> None:
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


async def test_a_stream_that_stalls_ends_with_an_error_event(upstream: Upstream) -> None:
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
async def test_a_disconnect_before_the_answer_closes_the_upstream_connection(
    body: bytes, upstream: Upstream
) -> None:
    async with upstream.behind(silence) as gateway:
        asking = asyncio.create_task(post(gateway, body))
        await until(lambda: upstream.requests)
        asking.cancel()
        await asyncio.wait({asking})
        await until(lambda: upstream.server.abandoned == 1)


async def test_a_disconnect_during_a_stream_closes_the_upstream_connection(
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


async def test_a_stream_ends_at_the_done_marker_though_the_upstream_stays_open(
    upstream: Upstream,
) -> None:
    async def stays_open(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        await reply.chunk(CHUNKS[3] + DONE)
        await reply.gone.wait()

    async with upstream.behind(stays_open) as gateway, asyncio.timeout(30):
        response = await post(gateway, STREAM)
    assert response.content == CHUNKS[3] + DONE


async def test_upstream_connections_are_reused_even_after_errors(upstream: Upstream) -> None:
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


async def test_upstream_models_are_listed_with_the_gateways_own(upstream: Upstream) -> None:
    async def models(_: Request, reply: Reply) -> None:
        listed = {"object": "list", "data": [{"id": "gpt-9", "x": 1}, {"id": "gpt-4"}]}
        await reply.whole(200, json.dumps(listed).encode(), JSON)

    async with upstream.behind(models) as gateway:
        await until_listed(gateway, "gpt-9")
        both = (await gateway.http.get("/v1/models?include=upstream")).json()
        assert (await gateway.http.get("/v1/models")).json() == both
        one = await gateway.http.get("/v1/models/gpt-9")
    assert [it["id"] for it in both["data"]].count("gpt-4") == 1
    described = {"id": "gpt-9", "object": "model", "created": 0, "owned_by": "openai", "x": 1}
    described["capabilities"] = ["text", "image", "audio", "embeddings"]
    assert both["data"][-1] == one.json() == described
    assert [request.path for request in upstream.requests] == ["/v1/models"]


async def test_an_invalid_upstream_model_list_does_not_hide_the_gateways_models(
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
        own = list(gateway.container.configuration_source().current().routes.models.names)
        for case, (_, body, code) in told.items():
            gateway.container.model_lists()._kept.clear()  # noqa: SLF001
            response = await fetched(gateway)
            ids = [it["id"] for it in response.json()["data"]]
            listed = [it for it in ids if not it.startswith("claude-code/")]
            assert listed[: len(own)] == own, case
            assert listed[len(own) :] == ["gpt-9"] * (b"gpt-9" in body), case
            assert response.headers.get("X-Upstream-Models-Error") == code, case
            known = await gateway.http.get("/v1/models/sonnet?include=upstream")
            assert known.status_code == 200, case
            unknown = await gateway.http.get("/v1/models/gpt-7?include=upstream")
            assert unknown.status_code == (502 if code and "invalid" in code else 404), case
    assert "upstream models left out: 1 without an id" in caplog.text


@pytest.mark.parametrize("up", [True, False], ids=["silent", "unreachable"])
async def test_a_failed_upstream_model_list_is_reported_in_a_header(
    up: bool, upstream: Upstream
) -> None:
    settings: dict[str, object] = {"openai_base_url": "http://127.0.0.1:1/v1"}
    if up:
        settings = {"request_timeout_ms": 200}
    async with upstream.behind(silence, **settings) as gateway:
        response = await fetched(gateway)
    assert response.status_code == 200
    code = "timeout" if up else "upstream_unreachable"
    assert response.headers["X-Upstream-Models-Error"] == code


async def test_the_last_good_list_is_served_while_the_upstream_is_down(upstream: Upstream) -> None:
    is_down = False

    async def models(_: Request, reply: Reply) -> None:
        await reply.whole(500 if is_down else 200, b'{"data": [{"id": "gpt-9"}]}', JSON)

    async with upstream.behind(models, models_ttl_ms=1) as gateway:
        await until_listed(gateway, "gpt-9")
        is_down = True

        async def failed() -> bool:
            response = await gateway.http.get("/v1/models")
            assert "gpt-9" in response.text
            return response.headers.get("X-Upstream-Models-Error") == "upstream_error"

        async with asyncio.timeout(30):
            while not await failed():  # noqa: ASYNC110 - another request is needed to see it
                await asyncio.sleep(0.01)
        chat = await gateway.chat(model="gpt-9")
    assert chat.status_code == 500  # the list's failures cool nothing
    assert upstream.requests[-1].path == "/v1/chat/completions"


async def test_the_list_has_the_form_of_the_clients_api(upstream: Upstream) -> None:
    async def models(_: Request, reply: Reply) -> None:
        await reply.whole(200, b'{"data": [{"id": "gpt-9"}, {"id": "claude-z"}]}', JSON)

    version = {"anthropic-version": "2023-06-01"}
    async with upstream.behind(models) as gateway:
        await until_listed(gateway, "gpt-9")
        listed = (await gateway.http.get("/v1/models?limit=1000", headers=version)).json()
        one = (await gateway.http.get("/v1/models/claude-z", headers=version)).json()
        codex = (await gateway.http.get("/v1/models?client_version=0.169.0")).json()
    names = [it["id"] for it in listed["data"]]
    assert "claude-z" in names
    assert all(name.startswith("claude") for name in names)
    assert (listed["first_id"], listed["last_id"]) == (names[0], names[-1])
    assert listed["has_more"] is False
    assert one == {
        "type": "model",
        "id": "claude-z",
        "display_name": "claude-z",
        "created_at": "1970-01-01T00:00:00Z",
    }
    assert {"gpt-9", "claude-z"} <= {it["slug"] for it in codex["models"]}


async def fetched(gateway: Gateway) -> httpx2.Response:
    """Returns the list after the upstream's was fetched."""
    await gateway.http.get("/v1/models")
    kept = gateway.container.model_lists()._kept  # noqa: SLF001
    await until(lambda: all(it.task is None for it in kept.values()))
    return await gateway.http.get("/v1/models?include=upstream")


async def until_listed(gateway: Gateway, name: str) -> None:
    assert name in (await fetched(gateway)).text


async def test_the_environments_proxy_is_used_with_its_credentials(
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


async def test_a_transport_uses_the_proxy_only_for_remote_upstreams(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Transport(UpstreamOptions())
    async with upstream.server.running() as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for base in (URL(url), URL("http://upstream.example"), URL(url)):
            async with await transport.models(
                Endpoint(base, base, base / "models", {})
            ) as answered:
                assert await answered.body.read_all() == ANSWER
        await transport.aclose()
    paths = [request.path for request in upstream.requests]
    assert paths == ["/models", "http://upstream.example/models", "/models"]


@pytest.mark.parametrize("body", [BODY, STREAM])
async def test_non_ascii_header_values_are_relayed_byte_for_byte(
    body: bytes, upstream: Upstream
) -> None:
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


async def test_an_invalid_upstream_status_is_a_502_error(upstream: Upstream) -> None:
    async def odd(_: Request, reply: Reply) -> None:
        await reply.whole(999, b"{}", JSON)

    async with upstream.behind(odd) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert answered.status_code == 502
    assert answered.json()["error"]["code"] == "upstream_unreachable"


async def test_the_event_stream_content_type_is_case_insensitive(upstream: Upstream) -> None:
    async def shouts(_: Request, reply: Reply) -> None:
        await reply.begin({"content-type": "Text/Event-Stream; Charset=UTF-8"})
        for chunk in (*CHUNKS, DONE):
            await reply.chunk(chunk)
        await reply.end()

    async with upstream.behind(shouts) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=STREAM, headers=JSON)
    assert answered.content == b"".join((*CHUNKS, DONE))


async def test_a_truncated_error_response_is_not_retried(upstream: Upstream) -> None:
    async def broken(_: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 400 Bad\r\ncontent-length: 100\r\n\r\n{")
        reply.cut()

    async with upstream.behind(broken, upstream_max_retries=2) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert answered.status_code == 400
    assert len(upstream.requests) == 1


async def test_a_long_retry_after_is_relayed_to_the_client(upstream: Upstream) -> None:
    async def later(_: Request, reply: Reply) -> None:
        await reply.whole(429, b'{"error":1}', {**JSON, "retry-after": "40"})

    settings = {"upstream_max_retries": 2, "request_timeout_ms": 60_000}
    async with upstream.behind(later, **settings) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert (answered.status_code, answered.content) == (429, b'{"error":1}')
    assert answered.headers["retry-after"] == "40"


async def test_an_upstream_429_without_retry_after_gets_one(upstream: Upstream) -> None:
    async def refuse(_: Request, reply: Reply) -> None:
        await reply.whole(429, b"{}", JSON)

    async with upstream.behind(refuse) as gateway:
        answered = await gateway.http.post("/v1/chat/completions", content=BODY, headers=JSON)
    assert answered.headers["retry-after"] == "1"


@pytest.mark.parametrize("end", [b"", b"0"])
async def test_an_incomplete_chunked_request_is_not_sent_upstream(
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


async def test_the_log_says_why_an_upstream_is_unreachable(
    gateway: GatewayFactory, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as bound:  # not listening, so a connection is refused
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        settings = {"openai_base_url": url, "openai_api_key": "sk-x", "upstream_max_retries": 0}
        async with gateway(**settings) as running:
            response = await running.chat(model="gpt-4o")
    assert response.json()["error"]["code"] == "upstream_unreachable"
    assert "upstream unreachable: no connection (ConnectionRefusedError)" in caplog.text
