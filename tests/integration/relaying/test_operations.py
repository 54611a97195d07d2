"""Every relayed operation through the running gateway, with the official SDK."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from support.gateway import Gateway, GatewayFactory

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

OWN = {"X-OpenAI-API-Key": "sk-own-key"}
AUDIO = bytes(range(256)) * 40
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4o",
    "output": [],
    "status": "completed",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
EVENTS = [
    {"type": "response.created", "sequence_number": 0, "response": RESPONSE},
    {
        "type": "response.output_text.delta",
        "sequence_number": 1,
        "item_id": "m",
        "output_index": 0,
        "content_index": 0,
        "delta": "Hi",
        "logprobs": [],
    },
    {"type": "response.completed", "sequence_number": 2, "response": RESPONSE},
]
FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 3,
    "created_at": 1,
    "filename": "a.jsonl",
    "purpose": "batch",
    "status": "processed",
}
DELETED = {"id": "x", "object": "deleted", "deleted": True}
UPLOAD = {
    "id": "upload_1",
    "object": "upload",
    "bytes": 3,
    "created_at": 1,
    "expires_at": 2,
    "filename": "a",
    "purpose": "batch",
    "status": "pending",
}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/responses",
    "input_file_id": "file-1",
    "completion_window": "24h",
    "created_at": 1,
    "status": "validating",
}
STORE = {
    "id": "vs_1",
    "object": "vector_store",
    "created_at": 1,
    "name": "n",
    "status": "completed",
    "usage_bytes": 0,
    "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
}


def page(*data: object) -> dict[str, object]:
    return {
        "object": "list",
        "data": list(data),
        "has_more": False,
        "first_id": "a",
        "last_id": "b",
    }


ANSWERS: dict[str, object] = {
    "GET /v1/models": {"object": "list", "data": [{"id": "gpt-9"}]},
    "GET /v1/files/file%2D1/content": FILE,
    "POST /v1/responses": RESPONSE,
    "GET /v1/responses/resp_1": RESPONSE,
    "DELETE /v1/responses/resp_1": DELETED,
    "POST /v1/responses/resp_1/cancel": RESPONSE,
    "GET /v1/responses/resp_1/input_items": page(),
    "POST /v1/completions": {
        "id": "c",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"text": "Hi", "index": 0, "finish_reason": "stop", "logprobs": None}],
    },
    "POST /v1/embeddings": {
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    },
    "POST /v1/moderations": {"id": "m", "model": "m", "results": []},
    "POST /v1/images/generations": {"created": 1, "data": [{"b64_json": "aGk="}]},
    "POST /v1/images/edits": {"created": 1, "data": [{"b64_json": "aGk="}]},
    "POST /v1/audio/transcriptions": {"text": "Hello"},
    "POST /v1/files": FILE,
    "GET /v1/files": page(FILE),
    "GET /v1/files/file-1": FILE,
    "DELETE /v1/files/file-1": {"id": "file-1", "object": "file", "deleted": True},
    "POST /v1/uploads": UPLOAD,
    "POST /v1/uploads/upload_1/parts": {
        "id": "part_1",
        "object": "upload.part",
        "created_at": 1,
        "upload_id": "upload_1",
    },
    "POST /v1/uploads/upload_1/complete": UPLOAD | {"status": "completed"},
    "POST /v1/batches": BATCH,
    "GET /v1/batches": page(BATCH),
    "POST /v1/batches/batch_1/cancel": BATCH,
    "POST /v1/vector_stores": STORE,
    "GET /v1/vector_stores": page(STORE),
    "DELETE /v1/vector_stores/vs_1": DELETED,
    "POST /v1/vector_stores/vs_1/search": page(),
    "POST /v1/conversations": {
        "id": "conv_1",
        "object": "conversation",
        "created_at": 1,
        "metadata": {},
    },
    "GET /v1/conversations/conv_1/items": page(),
}


def wants_stream(request: Request) -> bool:
    return b'"stream":true' in request.body.replace(b" ", b"")


async def answer(request: Request, reply: Reply) -> None:
    path = request.path.partition("?")[0]
    if path in {"/v1/audio/speech", "/v1/files/file-1/content"}:
        head = {"content-type": "audio/mpeg", "content-disposition": 'attachment; filename="a"'}
        await reply.whole(200, AUDIO, head)
    elif wants_stream(request):
        await reply.begin({"content-type": "text/event-stream"})
        for event in EVENTS:
            data = json.dumps(event).encode()
            await reply.chunk(b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), data))
        await reply.end()
    else:
        found = ANSWERS[f"{request.method} {path}"]
        await reply.whole(200, json.dumps(found).encode(), {"content-type": "application/json"})


@pytest.fixture
def upstream() -> LoopbackServer:
    return LoopbackServer(answer)


@asynccontextmanager
async def relaying(
    upstream: LoopbackServer, gateway: GatewayFactory, **settings: Any
) -> AsyncIterator[Gateway]:
    async with upstream.running() as url:
        known = {
            "openai_base_url": f"{url}/v1",
            "openai_api_key": "sk-server",
            "upstream_max_retries": 0,
        }
        async with gateway(**(known | settings)) as running:
            yield running


Call = Callable[[AsyncOpenAI], Awaitable[Any]]


async def use_responses(sdk: AsyncOpenAI) -> None:
    created = await sdk.responses.create(model="gpt-4o", input="Hi")
    assert created.id == "resp_1"
    stream = await sdk.responses.create(model="gpt-4o", input="Hi", stream=True)
    assert [event.type async for event in stream] == [it["type"] for it in EVENTS]
    assert (await sdk.responses.retrieve("resp_1", include=["file_search_call.results"])).id
    assert (await sdk.responses.cancel("resp_1")).status == "completed"
    assert [it async for it in sdk.responses.input_items.list("resp_1", limit=5)] == []
    await sdk.responses.delete("resp_1")


async def use_completions(sdk: AsyncOpenAI) -> None:
    done = await sdk.completions.create(model="m", prompt="Hi")
    assert done.choices[0].text == "Hi"


async def use_embeddings(sdk: AsyncOpenAI) -> None:
    made = await sdk.embeddings.create(model="e", input="Hi", encoding_format="float")
    assert made.data[0].embedding == [0.5]


async def use_images(sdk: AsyncOpenAI) -> None:
    assert (await sdk.images.generate(model="i", prompt="a")).data
    edited = await sdk.images.edit(model="i", prompt="a", image=("a.png", b"png"))
    assert edited.data


async def use_audio(sdk: AsyncOpenAI) -> None:
    speech = await sdk.audio.speech.create(model="tts", voice="alloy", input="Hi")
    assert speech.content == AUDIO
    text = await sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", AUDIO))
    assert text.text == "Hello"


async def use_moderations(sdk: AsyncOpenAI) -> None:
    assert (await sdk.moderations.create(input="Hi")).results == []


async def use_files(sdk: AsyncOpenAI) -> None:
    assert (await sdk.files.create(file=("a.jsonl", b"{}\n"), purpose="batch")).id == "file-1"
    assert [it.id async for it in sdk.files.list(limit=3)] == ["file-1"]
    assert (await sdk.files.retrieve("file-1")).bytes == 3
    assert (await sdk.files.content("file-1")).content == AUDIO
    assert (await sdk.files.delete("file-1")).deleted


async def use_uploads(sdk: AsyncOpenAI) -> None:
    made = await sdk.uploads.create(bytes=3, filename="a", mime_type="text/plain", purpose="batch")
    part = await sdk.uploads.parts.create(made.id, data=b"abc")
    done = await sdk.uploads.complete(made.id, part_ids=[part.id])
    assert done.status == "completed"


async def use_batches(sdk: AsyncOpenAI) -> None:
    made = await sdk.batches.create(
        completion_window="24h", endpoint="/v1/responses", input_file_id="file-1"
    )
    assert [it.id async for it in sdk.batches.list()] == [made.id]
    assert (await sdk.batches.cancel(made.id)).id == made.id


async def use_vector_stores(sdk: AsyncOpenAI) -> None:
    made = await sdk.vector_stores.create(name="n")
    assert [it.id async for it in sdk.vector_stores.list()] == [made.id]
    assert [it async for it in sdk.vector_stores.search(made.id, query="q")] == []
    assert (await sdk.vector_stores.delete(made.id)).deleted


async def use_conversations(sdk: AsyncOpenAI) -> None:
    made = await sdk.conversations.create(metadata={})
    assert [it async for it in sdk.conversations.items.list(made.id)] == []


USES = [
    use_responses,
    use_completions,
    use_embeddings,
    use_images,
    use_audio,
    use_moderations,
    use_files,
    use_uploads,
    use_batches,
    use_vector_stores,
    use_conversations,
]


@pytest.mark.parametrize("use", USES, ids=lambda it: it.__name__)
async def test_the_official_sdk_can_use_every_group_of_endpoints_with_its_own_key(
    upstream: LoopbackServer, gateway: GatewayFactory, use: Call
) -> None:
    async with relaying(upstream, gateway) as running:
        await use(running.sdk.with_options(default_headers=OWN))
    for request in upstream.requests:
        assert request.headers["authorization"] == "Bearer sk-own-key"
        assert not {"x-openai-api-key", "x-api-key"} & request.headers.keys()


@pytest.mark.parametrize("use", USES, ids=lambda it: it.__name__)
async def test_the_official_sdk_can_use_every_group_with_the_servers_key_if_state_is_shared(
    upstream: LoopbackServer, gateway: GatewayFactory, use: Call
) -> None:
    async with relaying(upstream, gateway, upstream_shared_state=True) as running:
        await use(running.sdk)
    for request in upstream.requests:
        assert request.headers["authorization"] == "Bearer sk-server"


@pytest.mark.parametrize(
    "use",
    [use_files, use_uploads, use_batches, use_vector_stores, use_conversations],
    ids=lambda it: it.__name__,
)
async def test_two_clients_with_the_servers_key_cannot_see_what_the_upstream_keeps(
    upstream: LoopbackServer, gateway: GatewayFactory, use: Call
) -> None:
    keys = ("sk-cca-one-1234567890", "sk-cca-two-1234567890")
    async with relaying(upstream, gateway, api_keys=keys) as running:
        for key in keys:
            with pytest.raises(openai.PermissionDeniedError) as raised:
                await use(running.sdk.with_options(api_key=key))
            assert raised.value.code == "shared_key_forbidden"
            assert "X-OpenAI-API-Key" in raised.value.message
            assert "UPSTREAM_SHARED_STATE=true" in raised.value.message
    assert not upstream.requests


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("GET", "/v1/audio/voices"),
    ],
)
async def test_kept_responses_are_forbidden_with_the_servers_key(
    upstream: LoopbackServer, gateway: GatewayFactory, method: str, path: str
) -> None:
    async with relaying(upstream, gateway) as running:
        refused = await running.http.request(method, path)
    assert (refused.status_code, code_of(refused)) == (403, "shared_key_forbidden")


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
async def test_a_kept_conversation_cannot_be_continued_with_the_servers_key(
    upstream: LoopbackServer, gateway: GatewayFactory, name: str
) -> None:
    body = {"model": "gpt-4o", "input": "Hi", "store": True}
    async with relaying(upstream, gateway) as running:
        refused = await running.http.post("/v1/responses", json=body | {name: "x"})
        assert (refused.status_code, code_of(refused)) == (403, "shared_key_forbidden")
        assert refused.json()["error"]["param"] == name
        allowed = await running.http.post("/v1/responses", json=body | {name: None})
        assert allowed.status_code == 200
        own = await running.http.post("/v1/responses", json=body | {name: "x"}, headers=OWN)
        assert own.status_code == 200
    assert [it.json["store"] for it in upstream.requests] == [True, True]


async def test_queries_and_escaped_paths_are_relayed_as_they_came(
    upstream: LoopbackServer, gateway: GatewayFactory
) -> None:
    target = "/v1/files/file%2D1/content?x=a%2fb&y=%C3%A9&z"
    async with relaying(upstream, gateway) as running:
        await running.http.get(httpx2.URL(running.url + target), headers=OWN)
    assert upstream.requests[0].path == target


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/../organization/admin_api_keys",
        "/v1/files/%2e%2e/organization/admin_api_keys",
        "/v1/files/..%2forganization",
        "/v1/files/a%5c..%5cb",
        "/v1/files/a%252fb",
        "/v1/files//x",
        "/v1/images/..",
    ],
)
async def test_paths_that_another_reader_could_take_for_others_are_not_relayed(
    upstream: LoopbackServer, gateway: GatewayFactory, path: str
) -> None:
    async with relaying(upstream, gateway, upstream_shared_state=True) as running:
        for method in ("GET", "POST"):
            status, body = await raw(running, f"{method} {path} HTTP/1.1\r\nHost: x")
            assert status in {404, 405}, body
    assert not upstream.requests


async def test_unknown_paths_are_404_and_operators_can_add_patterns(
    upstream: LoopbackServer, gateway: GatewayFactory
) -> None:
    async with relaying(upstream, gateway) as running:
        assert (await running.http.get("/v1/fine_tuning/jobs", headers=OWN)).status_code == 404
    ANSWERS["GET /v1/fine_tuning/jobs"] = page()
    async with relaying(upstream, gateway, upstream_paths="/v1/fine_tuning/*") as running:
        assert (await running.http.get("/v1/fine_tuning/jobs", headers=OWN)).status_code == 200
        assert (await running.http.get("/v1/fine_tuning/jobs")).status_code == 403
        assert (await running.http.get("/v1/other", headers=OWN)).status_code == 404


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/uploads", "/v1/embeddings"])
async def test_claude_code_mode_says_which_mode_has_the_endpoint(
    upstream: LoopbackServer, gateway: GatewayFactory, path: str
) -> None:
    async with relaying(upstream, gateway) as running:
        refused = await running.http.post(path, json={}, headers={"X-Claude-Code": "true"})
    assert (refused.status_code, code_of(refused)) == (400, "unsupported_endpoint")
    assert "passthrough" in refused.json()["error"]["message"]
    assert refused.headers["X-Backend-Mode"] == "claude-code"


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/files/x", "/v1/completions"])
async def test_a_websocket_is_answered_with_426_and_a_reason(
    upstream: LoopbackServer, gateway: GatewayFactory, path: str
) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket"
    async with relaying(upstream, gateway) as running:
        status, body = await raw(running, head)
    assert status == 426
    assert json.loads(body)["error"]["code"] == "websocket_not_supported"


async def test_an_upgrade_to_http2_is_ignored_on_relayed_paths(
    upstream: LoopbackServer, gateway: GatewayFactory
) -> None:
    body = b'{"model":"gpt-4o","input":"Hi"}'
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMA"}
    headers = {"Content-Type": "application/json"} | offer
    async with relaying(upstream, gateway) as running:
        answered = await running.http.post("/v1/responses", content=body, headers=headers)
    assert answered.status_code == 200
    assert upstream.requests[0].body == body


async def test_a_key_in_x_api_key_is_accepted_everywhere_and_never_sent_upstream(
    upstream: LoopbackServer, gateway: GatewayFactory
) -> None:
    key = "sk-cca-one-1234567890"
    body = {"model": "e", "input": "x"}
    async with relaying(upstream, gateway, api_key=key) as running:
        for headers in ({"x-api-key": key}, {"x-api-key": key, "Authorization": "Bearer wrong"}):
            answered = await running.http.post("/v1/embeddings", json=body, headers=headers)
            assert answered.status_code == 200
            assert (await running.http.get("/v1/sessions", headers=headers)).status_code == 200
        refused = await running.http.post("/v1/embeddings", json=body, headers={"x-api-key": "no"})
        assert (refused.status_code, code_of(refused)) == (401, "invalid_api_key")
        models = {
            status: await running.http.get("/v1/models", headers=headers)
            for status, headers in ((200, {"x-api-key": key}), (401, {"x-api-key": "no"}))
        }
        assert {status: it.status_code for status, it in models.items()} == {200: 200, 401: 401}
    for request in upstream.requests:
        assert key not in str(request.headers)


def code_of(response: httpx2.Response) -> str:
    return str(response.json()["error"]["code"])


async def raw(gateway: Gateway, head: str) -> tuple[int, bytes]:
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{head}\r\nContent-Length: 0\r\n\r\n".encode())
    told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(told.partition("content-length: ")[2].partition("\r")[0])
    body = await reader.readexactly(length)
    writer.close()
    return int(told.split()[1]), body
