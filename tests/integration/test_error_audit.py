"""Every error, caused in a running gateway: its status, headers and message, and no leak."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.gateway import GatewayFactory
from support.openapi import DOCUMENT
from support.reaching import (
    HANG,
    NO_DOCUMENT,
    OWN_KEY,
    PROMPT,
    SESSION_HEADER,
    Reach,
    World,
    a_bug,
    all_cooling,
    asked,
    broken_storage,
    busy_session,
    called,
    claude_does,
    claude_says,
    cut_off,
    ended_batch,
    invalid_reload,
    lacking_capability,
    last_event,
    no_slot,
    on_the_wire,
    sent,
    shutting_down,
    upstream_says,
)

from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.routing.model_map import BUILT_IN_MODELS
from modegate.entrypoints.http.messages.errors import FRAMEWORK
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.scripted_claude import ScriptedClaude, answer, begin, result, word

ROOT = Path(__file__).parents[2]
INVALID, AUTH, FORBIDDEN, LIMIT, SERVER = (
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "server_error",
)
UNKNOWN = "3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11"
LOCKED = {"api_key": OWN_KEY}
RULED = {"keys": {"a": {"key": OWN_KEY, "models": ["sonnet", "gpt-4o*"], "modes": ["claude-code"]}}}
OF_KEY = {"Authorization": f"Bearer {OWN_KEY}", "X-Claude-Code": "true"}
WRONG_KEY = {"Authorization": "Bearer sk-cca-marked-wrong"}
UPSTREAM: dict[str, str] = {}
UNREACHABLE = {"openai_api_key": "sk-marked-server", "openai_base_url": "http://127.0.0.1:1/v1"}
NO_PROGRAM = {"claude_path": "/nonexistent/marked"}
SOUND = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": PROMPT}}]}]
TOOLS = [{"type": "function", "function": {"name": "weather"}}]
INCOMPLETE_REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b"content-length: 9\r\n\r\n{"
)


@dataclass(frozen=True)
class Row:
    """One way to cause an error; `words` are parts of its message."""

    code: str
    status: int
    type: str
    param: str | None
    words: tuple[str, ...]
    reach: Reach

    @property
    def is_first(self) -> bool:
        """Whether this row is the error's example in the OpenAPI document."""
        return next(row for row in ROWS if row.code == self.code) is self


JSON_WORDS, BEARER = ("application/json",), ("Bearer",)
MODEL_WORDS = (*BUILT_IN_MODELS, "default", "X-Claude-Code")
TRUTHS = ("true/1/yes", "false/0/no")
NEW = "X-Claude-Code: true"
SESSION_WORDS = (UNKNOWN, SESSION_HEADER, NEW)
UNSUPPORTED = ("remove", "X-Claude-Code: false", "pass the request through", "Claude API")
AGAIN = ("again",)
H_MODE, H_KEY = "X-Claude-Code", "X-OpenAI-API-Key"
ROWS = [
    Row(*row)
    for row in (
        ("missing_required_parameter", 400, INVALID, "messages", ("'messages'",), asked(messages=None)),
        ("missing_required_parameter", 400, INVALID, "model", ("'model'",), asked(model=None)),
        ("invalid_request", 400, INVALID, "messages", ("1 to 100",), asked(messages=[])),
        ("invalid_request", 400, INVALID, None, ("JSON", "fix"), sent(b"{marked", content_type="application/json")),
        ("invalid_request", 400, INVALID, "stream", ("true or false",), asked(stream=PROMPT)),
        ("invalid_request", 400, INVALID, "n", ("at least 1",), asked(n=0)),
        ("invalid_request", 400, INVALID, None, ("HTTP/1.1",), on_the_wire(b"MARKED / HTTP/1.1\r\n\r\n")),
        ("invalid_request", 400, INVALID, "messages", ("check",), claude_says(400)),
        ("unsupported_parameter", 400, INVALID, "logprobs", ("'logprobs'", *UNSUPPORTED), asked(logprobs=True)),
        ("unsupported_parameter", 400, INVALID, "messages[0].content[0].input_audio", UNSUPPORTED, asked(messages=SOUND)),
        ("unsupported_endpoint", 400, INVALID, None, ("X-Claude-Code: false",), called("POST", "/v1/uploads", X_Claude_Code="true")),
        ("unsupported_capability", 400, INVALID, "model", ("image", "text", "choose another"), lacking_capability),
        ("model_not_found", 400, INVALID, "model", MODEL_WORDS, asked(model="marked")),
        ("model_not_found", 400, INVALID, "model", ("choose another", "sonnet"), claude_says(404)),
        ("object_not_found", 404, INVALID, None, ("list your files",), called("GET", "/v1/files/marked", X_Claude_Code="true")),
        ("object_not_found", 404, INVALID, None, ("list your batches",), called("GET", "/v1/batches/marked", X_Claude_Code="true")),
        ("object_not_found", 404, INVALID, None, ("no such response",), called("GET", "/v1/responses/resp_mg_marked")),
        ("previous_response_not_found", 400, INVALID, "previous_response_id", ("whole conversation",), called("POST", "/v1/responses", body={"model": "sonnet", "input": "Hi", "previous_response_id": "marked"}, X_Claude_Code="true")),
        ("batch_ended", 409, INVALID, None, ("completed",), ended_batch),
        ("model_not_found", 404, INVALID, "model", ("GET /v1/models",), called("GET", "/v1/models/marked")),
        ("context_length_exceeded", 400, INVALID, "messages", ("shorten",), claude_says(413)),
        ("invalid_header_value", 400, INVALID, H_MODE, TRUTHS, asked(headers={H_MODE: "marked"})),
        ("invalid_header_value", 400, INVALID, H_KEY, ("leave out",), asked(headers={H_KEY: "marked" * 99})),
        ("invalid_session_id", 400, INVALID, SESSION_HEADER, ("UUID", "leave out", NEW), asked(headers={SESSION_HEADER: "marked"})),
        ("invalid_session_id", 400, INVALID, "session_id", ("UUID", "GET /v1/sessions"), called("GET", "/v1/sessions/marked")),
        ("missing_api_key", 401, AUTH, None, BEARER, asked(settings=LOCKED)),
        ("invalid_api_key", 401, AUTH, None, BEARER, asked(settings=LOCKED, headers=WRONG_KEY)),
        ("missing_api_key", 401, AUTH, None, ("METRICS_TOKEN", *BEARER), called("GET", "/metrics", settings={"metrics_token": OWN_KEY})),
        ("backend_auth_failed", 401, AUTH, None, ("operator", "ANTHROPIC_API_KEY"), claude_says(401)),
        ("backend_forbidden", 403, FORBIDDEN, None, ("permissions", "billing", "region"), claude_says(403)),
        ("shared_key_forbidden", 403, FORBIDDEN, None, (H_KEY, "UPSTREAM_SHARED_STATE=true"), called("GET", "/v1/files")),
        ("model_not_allowed", 403, FORBIDDEN, "model", ("sonnet, gpt-4o*", "choose one"), asked(model="marked", settings=RULED, headers=OF_KEY)),
        ("mode_not_allowed", 403, FORBIDDEN, H_MODE, ("claude-code", NEW), asked(settings=RULED, headers=OF_KEY | {H_MODE: "false"})),
        ("session_not_found", 404, INVALID, SESSION_HEADER, SESSION_WORDS, asked(headers={SESSION_HEADER: UNKNOWN})),
        ("session_not_found", 404, INVALID, "session_id", (UNKNOWN, "GET /v1/sessions"), called("DELETE", f"/v1/sessions/{UNKNOWN}")),
        ("credential_not_found", 404, INVALID, None, ("GET /admin/credentials",), called("POST", "/admin/credentials/x/probe", settings={"admin_key": OWN_KEY}, **{"x-api-key": OWN_KEY})),
        ("key_not_found", 404, INVALID, None, ("GET /admin/keys",), called("GET", "/admin/keys/x", settings={"admin_key": OWN_KEY}, **{"x-api-key": OWN_KEY})),
        ("key_read_only", 409, INVALID, None, ("API_KEYS",), called("DELETE", "/admin/keys/env-1", settings={"admin_key": OWN_KEY, "api_key": "sk-cca-other"}, **{"x-api-key": OWN_KEY})),
        ("not_found", 404, INVALID, None, ("/v1/chat/completions", "/docs"), called("GET", "/marked")),
        ("method_not_allowed", 405, INVALID, None, ("Allow",), called("PUT", "/health")),
        ("request_timeout", 408, INVALID, None, ("faster",), on_the_wire(INCOMPLETE_REQUEST, patience=0.1)),
        ("payload_too_large", 413, INVALID, None, ("28 MB",), sent(b"x" * (28 * 1024 * 1024 + 1), content_type="application/json")),
        ("unsupported_media_type", 415, INVALID, None, JSON_WORDS, sent(b"{}", content_type="text/marked")),
        ("invalid_configuration", 422, INVALID, None, ("port: must be", "correct"), invalid_reload),
        ("websocket_not_supported", 426, INVALID, None, ("HTTP",), called("GET", "/v1/responses", Connection="Upgrade", Upgrade="websocket")),
        ("headers_too_large", 431, INVALID, None, ("64 KiB", "fewer"), on_the_wire(b"GET /marked HTTP/1.1\r\nx: " + b"y" * 70_000)),
        ("session_busy", 429, LIMIT, SESSION_HEADER, ("wait", SESSION_HEADER), busy_session),
        ("rate_limit_exceeded", 429, LIMIT, None, ("slowly", "Retry-After"), asked(settings={"rate_limit_per_ip": 1}, times=2)),
        ("budget_exceeded", 429, LIMIT, None, ("10 tokens", "ends at", "raise the budget"), asked(settings={"budget": {"tokens": 10}})),
        ("price_unknown", 403, FORBIDDEN, "model", ("[prices]", "BUDGET_UNKNOWN_PRICE=allow"), asked(settings={"budget": {"usd": 10}, "openai_api_key": "sk-server"}, headers=UPSTREAM)),
        ("capacity_exceeded", 429, LIMIT, None, AGAIN, no_slot),
        ("backend_rate_limited", 429, LIMIT, None, AGAIN, claude_says(429)),
        ("no_credentials_available", 429, LIMIT, None, ("cooling", *AGAIN), all_cooling),
        ("internal_error", 500, SERVER, None, AGAIN, claude_does({"stderr": PROMPT}, {"exit": 1})),
        ("internal_error", 500, SERVER, None, AGAIN, a_bug),
        ("backend_error", 502, SERVER, None, AGAIN, claude_says(529)),
        ("output_limit_exceeded", 502, SERVER, None, ("shorter",), claude_does({"flood": 11_000_000}, HANG)),
        ("tool_choice_not_followed", 502, SERVER, "tool_choice", ("rephrase",), asked(tools=TOOLS, tool_choice="required")),
        ("empty_response", 502, SERVER, None, ("rephrase",), claude_does(result(""))),
        ("schema_validation_failed", 502, SERVER, None, AGAIN, claude_does(NO_DOCUMENT)),
        ("upstream_unreachable", 502, SERVER, None, ("again", "OPENAI_BASE_URL"), asked(settings=UNREACHABLE, headers=UPSTREAM)),
        ("upstream_invalid_response", 502, SERVER, None, ("broke off", "charge"), upstream_says(200, b"marked", content_encoding="gzip")),
        ("upstream_invalid_response", 502, SERVER, None, ("redirect", "OPENAI_BASE_URL"), upstream_says(301, b"marked", location="/elsewhere")),
        ("bad_upstream_response", 502, SERVER, None, ("web page", "OPENAI_BASE_URL"), upstream_says(200, b"<p>marked", content_type="text/html")),
        ("bad_upstream_response", 502, SERVER, None, ("web page", "firewall", "allow"), upstream_says(200, b"<html>marked: Access Denied", content_type="text/html")),
        ("passthrough_not_configured", 503, SERVER, None, ("OPENAI_API_KEY", H_KEY), asked(headers=UPSTREAM)),
        ("passthrough_disabled", 503, SERVER, None, ("X-Claude-Code: true",), asked(settings={"openai_passthrough_enabled": False}, headers=UPSTREAM)),
        ("backend_unavailable", 503, SERVER, None, ("install", "CLAUDE_PATH"), asked(settings=NO_PROGRAM)),
        ("storage_unavailable", 503, SERVER, None, ("MODEGATE_STATE_DIR",), broken_storage),
        ("server_shutting_down", 503, SERVER, None, AGAIN, shutting_down),
        ("server_shutting_down", 503, SERVER, None, AGAIN, cut_off),
        ("timeout", 504, SERVER, None, ("ask for less",), claude_does(HANG, request_timeout_ms=1000)),
        ("stream_error", 200, SERVER, None, ("incomplete", "again"), claude_does(*begin(), word("Hi"), {"exit": 1}, stream=True)),
    )
]  # fmt: skip

TREE = "modegate.domain.errors."
IN_A_STREAM = "stream_error"
ALWAYS = {name for name, header in DOCUMENT["components"]["headers"].items() if header["required"]}
WITH_STATUS = {"Allow": 405, "Retry-After": 429}
LEAKS = ("marked", "127.0.0.1", "Traceback", "Error(", ".py", "sk-cca", "/tmp", "/home")  # noqa: S108


@pytest.fixture
def world(gateway: GatewayFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    folder = tmp_path / "scripted"
    folder.mkdir()
    claude = ScriptedClaude(folder, *answer("Hello"))
    return World(gateway, claude, tmp_path, monkeypatch)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.code}-{row.status}-{row.param}")
async def test_each_error_has_its_status_headers_and_message(row: Row, world: World) -> None:
    response = await row.reach(world)
    assert response.status_code == row.status
    check_headers(response, row)
    told = last_event(response) if row.code == IN_A_STREAM else response
    error = told.json()["error"]
    assert told.json().keys() == {"error"}
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == (row.type, row.param, row.code)
    check_words(error["message"], row.words)
    assert not [leak for leak in (*LEAKS, str(world.folder)) if leak in told.text]
    if row.is_first and row.code != IN_A_STREAM:
        assert without_figures(error) == without_figures(documented(row.code))


def check_headers(response: httpx2.Response, row: Row) -> None:
    named = {name for name in ALWAYS if WITH_STATUS.get(name, row.status) == row.status}
    assert not {name for name in named if name not in response.headers}
    assert ("WWW-Authenticate" in response.headers) == row.code.endswith("_api_key")
    check_retry_headers(response, row)


def check_retry_headers(response: httpx2.Response, row: Row) -> None:
    """Asserts that Claude Code errors say when to retry, or not to retry."""
    says_when = "Retry-After" in response.headers
    says_never = response.headers.get("X-Should-Retry") == "false"
    is_claude = response.headers.get("X-Backend-Mode") == "claude-code"
    is_open = row.code in ("storage_unavailable", "server_shutting_down") or row.reach is a_bug
    assert says_when or says_never or not is_claude or is_open or row.code == IN_A_STREAM


def check_words(message: str, words: tuple[str, ...]) -> None:
    """Asserts that the message is a sentence and contains the words."""
    assert re.match(r"['A-Z]", message)
    assert message.endswith(".")
    assert len(message) < 600
    assert not [word for word in words if word not in message]


def documented(code: str) -> dict[str, Any]:
    error: dict[str, Any] = DOCUMENT["components"]["examples"][code]["value"]["error"]
    return error


def without_figures(error: dict[str, Any]) -> str:
    """Returns the error with each number and session id replaced by `N`."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "N", json.dumps(error))


async def test_an_upstream_error_is_passed_through_unchanged(world: World) -> None:
    body = b'{"error": {"message":"Incorrect API key", "more": 1 }}'

    async def refuse(_: Request, reply: Reply) -> None:
        await reply.whole(401, body, {"content-type": "application/json"})

    async with LoopbackServer(refuse).running() as url:
        settings = {"openai_api_key": "sk-server", "openai_base_url": f"{url}/v1"}
        response = await asked(settings=settings, headers=UPSTREAM)(world)
    assert (response.status_code, response.content) == (401, body)
    assert "WWW-Authenticate" not in response.headers


def leaves(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    below = [it for it in kind.__subclasses__() if it.__module__.startswith(TREE)]
    yield from [kind] if not below else (leaf for child in below for leaf in leaves(child))


def test_the_audit_covers_every_error_code() -> None:
    audited = {row.code for row in ROWS}
    possible = {leaf.code for leaf in leaves(GatewayError) if leaf is not UpstreamRefusalError}
    assert audited == possible | {code for code, _ in FRAMEWORK.values()}


def test_the_api_reference_lists_every_error_code_and_status() -> None:
    page = (ROOT / "docs/API_REFERENCE.md").read_text()
    listed = set(re.findall(r"^\| `([a-z_]+)` \| ([\d, ]+|\u2013) \|", page, re.MULTILINE))
    statuses: dict[str, set[int]] = {}
    for row in ROWS:
        statuses.setdefault(row.code, set()).add(row.status)
    assert listed == {
        (code, "\u2013" if code == IN_A_STREAM else ", ".join(map(str, sorted(found))))
        for code, found in statuses.items()
    }


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.status in (400, 404, 405, 408, 431)],
    ids=lambda row: row.code,
)
async def test_a_rejected_request_is_logged_with_its_status_and_code(
    row: Row, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "modegate.requests")
    await row.reach(world)
    records: list[Any] = caplog.records
    lines = [it.fields for it in records if it.name == "modegate.requests"]
    assert (row.status, row.code) in [(it["status"], it.get("error")) for it in lines]
