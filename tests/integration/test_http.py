"""The HTTP interface: common response headers and protocol-level errors."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
from support.gateway import Gateway, GatewayFactory
from support.reaching import spoken
from support.waiting import until

from modegate.entrypoints.bootstrap import archive_sync
from modegate.entrypoints.http.server.connection import protocol
from modegate.testing.answer_backend import ScriptedBackend, says

JSON = {"Content-Type": "application/json"}
CHAT = "/v1/chat/completions"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
}


@pytest.fixture
async def running(gateway: GatewayFactory) -> AsyncIterator[Gateway]:
    async with gateway() as started:
        yield started


def error_of(response: httpx2.Response) -> dict[str, object]:
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert response.headers["content-type"] == "application/json"
    return dict(error)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("POST", "/v1/edits", 404, "not_found"),
        ("GET", "/v1/chat/completions/", 404, "not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("PUT", "/health", 405, "method_not_allowed"),
        ("NONSENSE", "/health", 400, "invalid_request"),
        ("GET", "/v1/models/nothing", 404, "model_not_found"),
    ],
)
async def test_unknown_paths_methods_and_models_have_json_errors(
    method: str, path: str, status: int, code: str, running: Gateway
) -> None:
    response = await running.http.request(method, path)
    assert response.status_code == status
    assert error_of(response)["code"] == code
    assert ("Allow" in response.headers) == (status == 405)


async def test_every_response_has_a_request_id_and_security_headers(running: Gateway) -> None:
    for path in ("/", "/health", "/live", "/v1/models", "/v1/models/sonnet", CHAT):
        response = await running.http.get(path, headers={"X-Request-ID": "mine-1"})
        assert response.headers["X-Request-ID"] == "mine-1"
        assert {name: response.headers[name] for name in SECURITY} == SECURITY
        assert "server" not in response.headers
    response = await running.http.get("/live", headers={"X-Request-ID": "x" * 129})
    assert uuid.UUID(response.headers["X-Request-ID"]).version == 4


@pytest.mark.parametrize(
    "media_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"],
)
async def test_a_content_type_other_than_json_is_unsupported(
    media_type: str | None, running: Gateway
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    response = await running.http.post(CHAT, content=b"{}", headers=headers)
    assert response.status_code == 415
    assert "application/json" in str(error_of(response)["message"])
    assert response.headers["X-Backend-Mode"] == "openai-passthrough"


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_a_json_content_type_in_any_case_or_with_charset_utf_8_is_accepted(
    media_type: str, running: Gateway
) -> None:
    headers = {"Content-Type": media_type}
    response = await running.http.post(CHAT, content=b"{", headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"a":NaN}', b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_an_invalid_request(
    body: bytes, running: Gateway
) -> None:
    for mode in ("true", "false"):
        headers = JSON | {"X-Claude-Code": mode}
        response = await running.http.post(CHAT, content=body, headers=headers)
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_request")


async def test_a_body_over_the_size_limit_is_rejected_with_or_without_a_length(
    running: Gateway,
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 10_000

    response = await running.http.post(CHAT, content=b"x" * 1_048_577, headers=JSON)
    assert (response.status_code, error_of(response)["code"]) == (413, "payload_too_large")
    assert "1 MB" in str(error_of(response)["message"])
    response = await running.http.post(CHAT, content=endless(), headers=JSON)
    assert (response.status_code, error_of(response)["code"]) == (413, "payload_too_large")


async def test_the_error_for_an_invalid_mode_has_no_backend_mode_header(running: Gateway) -> None:
    response = await running.chat(headers={"X-Claude-Code": "perhaps"})
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_header_value")
    assert "X-Backend-Mode" not in response.headers


async def test_a_repeated_mode_header_is_invalid(running: Gateway) -> None:
    headers = [("X-Claude-Code", "true"), ("X-Claude-Code", "true")]
    response = await running.chat(headers=headers)
    assert error_of(response)["code"] == "invalid_header_value"


async def test_ignored_parameter_names_are_sanitized_and_truncated_in_the_header(
    gateway: GatewayFactory,
) -> None:
    names: dict[str, Any] = {
        "temperature": 1,
        "a\r\nX-Evil: 1": 2,
        "ü, x": 3,
        "y" * 5000: 4,
        "null": None,
    }
    async with gateway(claude=ScriptedBackend(*says("Hi"))) as running:
        response = await running.claude(**names)
        hundred: dict[str, Any] = {f"name{i}": 1 for i in range(100)}
        many = await running.claude(**hundred)
    listed = response.headers["X-Claude-Ignored-Params"]
    assert listed.startswith("temperature, a??X-Evil:?1, ??")
    assert "X-Evil" not in response.headers
    assert len(listed) < 200
    assert "null" not in listed
    assert many.headers["X-Claude-Ignored-Params"].endswith("name63, ...")


async def test_models_are_listed_and_each_can_be_retrieved(running: Gateway) -> None:
    listed = (await running.http.get("/v1/models")).json()
    assert listed["object"] == "list"
    ids = [model["id"] for model in listed["data"]]
    assert {"sonnet", "gpt-4o", "default", "claude-haiku-4-5"} <= set(ids)
    for name in ids:
        one = (await running.http.get(f"/v1/models/{name}")).json()
        assert one in listed["data"]
    models = await running.sdk.models.list()
    assert [model.id for model in models.data] == ids


async def test_a_trailing_slash_is_ignored(running: Gateway) -> None:
    for path in ("/v1/models", "/v1/models/sonnet", "/v1/sessions", "/live", "/openapi.json"):
        plain, slashed = [await running.http.get(it) for it in (path, f"{path}/")]
        assert (slashed.status_code, slashed.content) == (plain.status_code, plain.content), path
        assert (await running.http.head(f"{path}/")).status_code == 200
        assert (await running.http.options(f"{path}/")).headers["Allow"]
    refused = await running.http.post(f"{CHAT}/", json={})
    assert error_of(refused)["code"] != "not_found"
    assert refused.headers["X-Backend-Mode"] == "openai-passthrough"
    models = await running.sdk.with_options(base_url=f"{running.url}/v1/").models.list()
    assert models.data


async def test_live_and_health_report_a_ready_gateway(running: Gateway) -> None:
    assert (await running.http.get("/live")).status_code == 200
    response = await running.http.get("/health")
    assert response.status_code == 200
    health = response.json()
    assert health.keys() == {"status", "version", "checks"}
    assert health["status"] == "ready"
    assert health["checks"] == {
        "claude_cli": "ok",
        "anthropic_key": "ok",
        "openai_passthrough": "no_key",
        "storage": "ok",
        "credentials": "ok",
        "ledger": "ok",
        "capacity": {"active": 0, "queued": 0, "warm": 0, "live": 0, "parked": 0, "max": 10},
    }


async def test_health_warns_while_transcripts_cannot_be_stored(
    gateway: GatewayFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_sync, "INTERVAL_S", 0.05)
    shared = tmp_path / "shared"
    shared.write_text("a file")
    async with gateway(modegate_transcripts=f"file://{shared}") as running:

        async def is_now(state: str) -> None:
            while (await running.http.get("/health")).json()["checks"]["transcripts"] != state:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

        await is_now("warn")
        response = await running.http.get("/health")
        assert (response.status_code, response.json()["status"]) == (200, "ready")
        shared.unlink()
        await is_now("ok")


async def test_health_is_unavailable_without_any_backend(gateway: GatewayFactory) -> None:
    nothing = {"claude_path": "/nonexistent", "openai_passthrough_enabled": False}
    async with gateway(**nothing) as running:
        response = await running.http.get("/health")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["checks"]["openai_passthrough"] == "disabled"


@pytest.mark.parametrize(("passthrough", "status"), [(True, 200), (False, 503)])
async def test_a_storage_error_makes_health_unavailable_unless_passthrough_works(
    passthrough: bool, status: int, gateway: GatewayFactory, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    async with gateway(openai_passthrough_enabled=passthrough) as running:
        response = await running.http.get("/health")
        assert (response.status_code, response.json()["checks"]["storage"]) == (status, "error")
        (tmp_path / "state").unlink()
        while (await running.http.get("/health")).json()["checks"]["storage"] != "ok":
            pass
        assert (await running.http.get("/health")).status_code == 200


async def test_health_reports_a_login_or_a_missing_key(
    gateway: GatewayFactory, environment: dict[str, str]
) -> None:
    del environment["ANTHROPIC_API_KEY"]
    async with gateway() as running:
        checks = (await running.http.get("/health")).json()["checks"]
        assert checks["anthropic_key"] == "missing"
    environment |= {"CLAUDE_CODE_OAUTH_TOKEN": "x"}
    async with gateway() as running:
        checks = (await running.http.get("/health")).json()["checks"]
        assert checks["anthropic_key"] == "login"


async def test_cors_allows_only_configured_origins(gateway: GatewayFactory) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    async with gateway() as closed:
        response = await closed.http.options(CHAT, headers=asked)
        assert "access-control-allow-origin" not in response.headers
    async with gateway(cors_allowed_origins=("https://app.example",)) as opened:
        response = await opened.http.options(CHAT, headers=asked)
        assert response.headers["access-control-allow-origin"] == "https://app.example"
        assert "POST" in response.headers["access-control-allow-methods"]
        response = await opened.http.get("/live", headers={"Origin": "https://app.example"})
        exposed = response.headers["access-control-expose-headers"]
        assert "X-Claude-Session-ID" in exposed
        assert "access-control-allow-credentials" not in response.headers
        response = await opened.http.get("/live", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in response.headers


async def test_cors_can_allow_every_origin(gateway: GatewayFactory) -> None:
    async with gateway(cors_allowed_origins=("*",)) as opened:
        answer = await opened.http.get("/live", headers={"Origin": "https://any.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_unexpected_exception_is_an_internal_error_without_details(
    gateway: GatewayFactory, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(ScriptedBackend):
        def generate(self, turn: object) -> NoReturn:
            del turn
            raise KeyError("MARK")

    async with gateway(claude=Buggy()) as running:
        response = await running.claude()
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert "MARK" not in response.text
    assert "unexpected KeyError in POST /v1/chat/completions" in caplog.text


async def test_an_unexpected_exception_during_a_stream_is_a_stream_error(
    gateway: GatewayFactory,
) -> None:
    async with gateway(claude=ScriptedBackend(*says("Hi")[:-1], KeyError("MARK"))) as running:
        response = await running.claude(stream=True)
    assert '"content":"Hi"' in response.text
    assert '"stream_error"' in response.text
    assert response.text.endswith("data: [DONE]\n\n")
    assert "MARK" not in response.text


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_disconnect_releases_the_backend(
    stream: bool, gateway: GatewayFactory
) -> None:
    backend = ScriptedBackend(*says("Hi")[:-1], 60.0)
    async with gateway(claude=backend) as running:
        asking = asyncio.create_task(running.claude(stream=stream))
        await until(lambda: backend.open)
        asking.cancel()
        await until(lambda: not backend.open)


async def test_many_sequential_and_concurrent_requests_succeed(running: Gateway) -> None:
    for _ in range(50):
        assert (await running.http.get("/live")).status_code == 200
    answers = await asyncio.gather(*(running.http.get("/health") for _ in range(50)))
    assert {json.dumps(answer.json()["status"]) for answer in answers} == {'"ready"'}


@pytest.mark.parametrize("cut", [None, b"\r\nUpgrade", b"grade: h2c", b"\n\r\n{", b"{"])
async def test_upgrade_headers_are_ignored_however_the_request_is_split(
    cut: bytes | None, gateway: GatewayFactory
) -> None:
    body = b'{"model":"sonnet","messages":[{"role":"user","content":"\\r\\nUpgrade: x"}]}'
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nContent-Type: application/json\r\n"
        b"X-Claude-Code: 1\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    async with gateway(claude=ScriptedBackend(*says("Hi"))) as running:
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        whole = head + body
        at = whole.index(cut) if cut else 0
        for data in filter(None, (whole[:at], whole[at:])):
            writer.write(data)
            await writer.drain()
            await running.http.get("/live")  # so that the pieces arrive one by one
        assert (await reader.readline()).split()[1] == b"200"
        writer.close()


@pytest.mark.parametrize(
    "head", [b"x-long: " + b"x" * 100_000, b"\r\n".join(b"x-%d: y" % i for i in range(20_000))]
)
async def test_oversized_request_headers_are_rejected(head: bytes, running: Gateway) -> None:
    said = await spoken(running, b"GET /live HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n")
    assert (said.status_code, error_of(said)["code"]) == (431, "headers_too_large")


async def test_endless_request_headers_are_rejected(running: Gateway) -> None:
    said = await spoken(running, b"GET /live HTTP/1.1\r\nx-long: " + b"x" * 600_000)
    assert said.status_code == 431


async def test_an_incomplete_request_times_out_with_408(
    running: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.1)
    begun = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    for data in (b"", b"GET /li", begun + b"content-length: 10\r\n\r\n{"):
        said = await spoken(running, data)
        assert said.status_code == 408


async def test_an_invalid_request_line_gets_a_json_error_with_the_common_headers(
    running: Gateway,
) -> None:
    said = await spoken(running, b"FOO / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (said.status_code, error_of(said)["code"]) == (400, "invalid_request")
    assert {"x-request-id", "x-ratelimit-remaining", *map(str.lower, SECURITY)} <= {*said.headers}


async def test_head_is_get_without_a_body(running: Gateway) -> None:
    for path in ("/live", "/v1/models", "/v1/models/sonnet"):
        response = await running.http.head(path)
        assert (response.status_code, response.content) == (200, b"")
    assert (await running.http.head(CHAT)).status_code == 405


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"content-type: application/json\r\ncontent-length: 50000000", 413),
        (b"content-type: text/plain\r\ncontent-length: 50", 415),
        (
            b"content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 50000000",
            413,
        ),
    ],
)
async def test_errors_known_from_the_headers_do_not_wait_for_the_body(
    head: bytes, status: int, running: Gateway
) -> None:
    said = await spoken(
        running, b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n"
    )
    assert said.status_code == status


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "application/json; charset=utf-16"}]
)
async def test_a_compressed_or_non_utf_8_body_is_unsupported(
    headers: dict[str, str], running: Gateway
) -> None:
    response = await running.http.post(CHAT, content=b"{}", headers=JSON | headers)
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


async def test_the_content_type_of_a_claude_code_stream_names_its_charset(
    gateway: GatewayFactory,
) -> None:
    async with gateway(claude=ScriptedBackend(*says("Hi"))) as running:
        response = await running.claude(stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_any_accepted_model_name_can_be_retrieved(running: Gateway) -> None:
    response = await running.http.get("/v1/models/gpt-4-turbo-2024-04-09")
    assert response.json()["id"] == "gpt-4-turbo-2024-04-09"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_lone_surrogate_in_a_system_prompt_is_stored_as_a_question_mark(
    stream: bool, gateway: GatewayFactory
) -> None:
    half = {"role": "system", "content": "Be \ud83d."}, {"role": "user", "content": "Hi"}
    body = json.dumps({"model": "sonnet", "stream": stream, "messages": half})
    backend = ScriptedBackend()
    headers = JSON | {"X-Claude-Code": "true"}
    async with gateway(claude=backend) as running:
        first = await running.http.post(CHAT, content=body, headers=headers)
        session_id = {"X-Claude-Session-ID": first.headers["X-Claude-Session-ID"]}
        assert "error" not in first.text
        assert (await running.claude(headers=session_id)).status_code == 200
    assert [turn.prompt.system for turn in backend.turns] == ["Be ?."] * 2
