"""The mode of requests over HTTP: by headers, the model's name, the key, the dialect, the default."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.key_upstream import KeyUpstream, key_upstream

from modegate.testing.answer_backend import ScriptedBackend, says

CLAUDE_CODE, PASSTHROUGH = "claude-code", "openai-passthrough"
HI = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {"messages": HI, "max_tokens": 9},
    "/v1/messages/count_tokens": {"messages": HI},
}
PATHS = list(BODIES)
ANTHROPIC = {"anthropic-version": "2023-06-01"}
MODE_HEADER = "X-Backend-Mode"
OF_CLAUDE, OF_UPSTREAM = "sk-claude-0123456789", "sk-upstream-0123456789"
KEYS = {
    "claude": {"key": OF_CLAUDE, "mode": CLAUDE_CODE},
    "upstream": {"key": OF_UPSTREAM, "mode": PASSTHROUGH},
    "plain": {"key": "sk-plain-0123456789"},
}

Start = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
async def upstream() -> AsyncIterator[KeyUpstream]:
    async with key_upstream() as running:
        yield running


@pytest.fixture
def start(gateway: GatewayFactory, upstream: KeyUpstream) -> Start:
    """Starts a gateway with a scripted Claude and an upstream."""

    @asynccontextmanager
    async def started(**settings: Any) -> AsyncIterator[Gateway]:
        fixed = {"openai_api_key": "sk-server", "openai_base_url": upstream.url}
        backend = ScriptedBackend(*says("Hello"))
        async with gateway(claude=backend, **fixed, **settings) as running:
            yield running

    return started


async def ask(
    gateway: Gateway, path: str, model: str = "sonnet", **headers: str
) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.http.post(path, json={"model": model, **BODIES[path]}, headers=sent)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def modes(gateway: Gateway, model: str = "sonnet", **headers: str) -> dict[str, str]:
    """Returns the mode of a request to each path."""
    answers = {path: await ask(gateway, path, model, **headers) for path in PATHS}
    for path, answer in answers.items():
        if answer.headers[MODE_HEADER] == CLAUDE_CODE:
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json().get("model", model) == model
    return {path: answer.headers[MODE_HEADER] for path, answer in answers.items()}


async def test_without_a_default_only_headers_and_the_models_name_select_claude_code(
    start: Start,
) -> None:
    async with start() as gateway:
        assert await modes(gateway) == dict.fromkeys(PATHS, PASSTHROUGH)
        assert await modes(gateway, "claude-code/sonnet") == dict.fromkeys(PATHS, CLAUDE_CODE)
        named = await modes(gateway, "claude-code/sonnet", x_claude_code="false")
        assert named == dict.fromkeys(PATHS, PASSTHROUGH)
        unknown = await ask(gateway, "/v1/messages", "claude-code/o1")
        assert (unknown.status_code, unknown.headers[MODE_HEADER]) == (404, CLAUDE_CODE)
        assert unknown.json()["error"]["type"] == "not_found_error"
        only_relayed = await gateway.http.post(
            "/v1/embeddings", json={"model": "claude-code/sonnet", "input": "Hi"}
        )
        assert only_relayed.json()["error"]["code"] == "unsupported_endpoint"
        assert only_relayed.headers[MODE_HEADER] == CLAUDE_CODE


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"default_mode": CLAUDE_CODE}, dict.fromkeys(PATHS, CLAUDE_CODE)),
        (
            {"dialects": {"messages": {"mode": CLAUDE_CODE}}},
            {it: CLAUDE_CODE if "messages" in it else PASSTHROUGH for it in PATHS},
        ),
        (
            {"dialects": {"responses": {"mode": PASSTHROUGH}}, "default_mode": CLAUDE_CODE},
            {it: PASSTHROUGH if "responses" in it else CLAUDE_CODE for it in PATHS},
        ),
    ],
)
async def test_a_default_is_that_of_the_dialect_or_else_of_the_gateway(
    start: Start, settings: dict[str, Any], expected: dict[str, str]
) -> None:
    async with start(**settings) as gateway:
        assert await modes(gateway) == expected
        falsy = await modes(gateway, x_claude_code="no")
        assert falsy == dict.fromkeys(PATHS, PASSTHROUGH)
        assert await modes(gateway, **CLAUDE) == dict.fromkeys(PATHS, CLAUDE_CODE)
        relayed = await gateway.http.post("/v1/embeddings", json={"model": "m", "input": "Hi"})
        assert (relayed.status_code, relayed.headers[MODE_HEADER]) == (200, PASSTHROUGH)


async def test_the_mode_of_a_key_comes_before_those_of_dialect_and_gateway(start: Start) -> None:
    async with start(keys=KEYS, dialects={"chat": {"mode": PASSTHROUGH}}) as gateway:
        assert await modes(gateway, **bearer(OF_CLAUDE)) == dict.fromkeys(PATHS, CLAUDE_CODE)
        assert await modes(gateway, x_api_key=OF_CLAUDE) == dict.fromkeys(PATHS, CLAUDE_CODE)
        plain = await modes(gateway, x_api_key="sk-plain-0123456789")
        assert plain == dict.fromkeys(PATHS, PASSTHROUGH)
    async with start(keys=KEYS, default_mode=CLAUDE_CODE) as gateway:
        assert await modes(gateway, **bearer(OF_UPSTREAM)) == dict.fromkeys(PATHS, PASSTHROUGH)
        named = await modes(gateway, "claude-code/sonnet", **bearer(OF_UPSTREAM))
        assert named == dict.fromkeys(PATHS, CLAUDE_CODE)
        stranger = await ask(gateway, "/v1/chat/completions")
        assert (stranger.status_code, stranger.headers[MODE_HEADER]) == (401, CLAUDE_CODE)


async def test_batches_are_the_gateways_where_the_default_is_claude_code(start: Start) -> None:
    async with start(keys=KEYS) as gateway:
        files = {
            key: await gateway.http.get("/v1/files", headers=bearer(key) | own)
            for key, own in ((OF_CLAUDE, {}), (OF_UPSTREAM, {"X-OpenAI-API-Key": "sk-own"}))
        }
        assert files[OF_CLAUDE].json() == {
            "object": "list",
            "data": [],
            "first_id": None,
            "last_id": None,
            "has_more": False,
        }
        assert files[OF_CLAUDE].headers[MODE_HEADER] == CLAUDE_CODE
        assert files[OF_UPSTREAM].headers[MODE_HEADER] == PASSTHROUGH


async def test_the_sdk_uses_names_that_the_list_has(start: Start) -> None:
    async with start() as gateway:
        listed = [it.id async for it in gateway.sdk.models.list()]
        assert "claude-code/sonnet" in listed
        answer = await gateway.sdk.chat.completions.create(
            model="claude-code/sonnet",
            messages=[{"role": "user", "content": "Hi"}],
        )
        assert answer.choices[0].message.content == "Hello"
        assert (await gateway.sdk.models.retrieve("claude-code/sonnet")).owned_by == "anthropic"


async def test_a_request_of_anthropics_api_is_answered_in_its_form_and_with_an_id(
    start: Start,
) -> None:
    async with start(keys=KEYS) as gateway:
        key = bearer(OF_CLAUDE)
        asked = [
            gateway.http.build_request(method, path, headers=headers, content=content)
            for method, path, headers, content in (
                ("GET", "/v1/models", ANTHROPIC | key, None),
                ("GET", "/v1/models/claude-opus-4-6", ANTHROPIC | key, None),
                ("GET", "/v1/models/nothing", ANTHROPIC | key, None),
                ("GET", "/v1/models", ANTHROPIC | bearer("sk-wrong"), None),
                ("POST", "/v1/models", ANTHROPIC | key, b"{}"),
                ("POST", "/v1/messages", key, b"{}"),
                ("POST", "/v1/messages", key | {"Content-Type": "application/json"}, b"{"),
                ("PUT", "/v1/messages/count_tokens", key, b"{}"),
                ("GET", "/v1/messages/below/it", key, None),
                ("POST", "/v1/messages/", key, b"x" * (33 * 1024 * 1024)),
            )
        ]
        answers = [await gateway.http.send(it) for it in asked]
        statuses = [it.status_code for it in answers]
        assert statuses == [200, 200, 404, 401, 405, 415, 400, 405, 404, 415]
        for answer in answers:
            assert answer.headers["request-id"] == answer.headers["x-request-id"]
        for answer in answers[2:]:
            assert answer.json()["type"] == "error"
            assert answer.json()["request_id"] == answer.headers["request-id"]
        assert answers[2].json()["error"]["type"] == "not_found_error"
        assert answers[1].json() == {
            "type": "model",
            "id": "claude-opus-4-6",
            "display_name": "claude-opus-4-6",
            "created_at": "2026-02-05T00:00:00Z",
        }
        listed = answers[0].json()
        assert listed.keys() == {"data", "has_more", "first_id", "last_id"}
        plain = await gateway.http.get("/v1/models/nothing", headers=key)
        assert plain.json()["error"]["code"] == "model_not_found"
        assert "request-id" not in plain.headers


async def test_operators_give_keys_a_mode(start: Start) -> None:
    admin = {"Authorization": "Bearer sk-admin-0123456789"}
    async with start(admin_key="sk-admin-0123456789") as gateway:

        async def call(method: str, path: str = "", **body: object) -> httpx2.Response:
            return await gateway.http.request(
                method, f"/admin/keys{path}", json=body, headers=admin
            )

        made = (await call("POST", name="a", mode=CLAUDE_CODE)).json()
        assert made["mode"] == CLAUDE_CODE
        headers = bearer(made["secret"])
        assert await modes(gateway, **headers) == dict.fromkeys(PATHS, CLAUDE_CODE)
        changed = await call("PATCH", f"/{made['id']}", mode=None, modes=[PASSTHROUGH])
        assert (changed.json()["mode"], changed.json()["modes"]) == (None, [PASSTHROUGH])
        assert await modes(gateway, **headers) == dict.fromkeys(PATHS, PASSTHROUGH)
        refused = await call("PATCH", f"/{made['id']}", mode=CLAUDE_CODE)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "mode")
        shown = json.loads((await call("GET", f"/{made['id']}")).text)
        assert shown["mode"] is None
