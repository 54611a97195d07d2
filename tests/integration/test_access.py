"""Keys, limits and sessions through the running gateway."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.waiting import requests_under_way, until

from modegate.domain.answer.events import AnswerEvent
from modegate.domain.errors import BackendFailedError
from modegate.testing.answer_backend import ScriptedBackend, says
from modegate.testing.clock import FakeClock

ONE, TWO = "sk-cca-one-1234567890", "sk-cca-two-1234567890"
ME, YOU = {"Authorization": f"Bearer {ONE}"}, {"Authorization": f"Bearer {TWO}"}
KEYS = {"api_key": ONE, "api_keys": f"{TWO}, {ONE}"}
SESSION = "X-Claude-Session-ID"
UNKNOWN = "3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11"


class HeldBackend(ScriptedBackend):
    """Answers while `may_go_on` is set."""

    def __init__(self) -> None:
        super().__init__(*says("Hello"))
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def _play(self) -> AsyncGenerator[AnswerEvent, None]:
        await self.may_go_on.wait()
        async for event in super()._play():
            yield event


def code_of(response: httpx2.Response) -> str:
    return str(response.json()["error"]["code"])


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend(*says("Hello"))


@pytest.fixture
async def guarded(gateway: GatewayFactory, backend: ScriptedBackend) -> AsyncIterator[Gateway]:
    async with gateway(claude=backend, **KEYS) as running:
        yield running


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "missing_api_key"),
        ("Basic YTpi", "missing_api_key"),
        (ONE, "missing_api_key"),
        ("Bearer sk-cca-one-1234567891", "invalid_api_key"),
    ],
)
async def test_missing_or_wrong_keys_are_rejected_with_401(
    authorization: str | None, code: str, guarded: Gateway, backend: ScriptedBackend
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for response in (
        await guarded.claude(headers=headers),
        await guarded.http.get("/v1/sessions", headers=headers),
        await guarded.http.delete(f"/v1/sessions/{UNKNOWN}", headers=headers),
    ):
        assert (response.status_code, code_of(response)) == (401, code)
        assert response.json()["error"]["type"] == "authentication_error"
        assert "Bearer" in response.json()["error"]["message"]
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert not backend.turns


async def test_a_rejected_request_has_the_backend_mode_header(guarded: Gateway) -> None:
    response = await guarded.claude()
    assert response.headers["X-Backend-Mode"] == "claude-code"


async def test_health_and_model_endpoints_need_no_key(guarded: Gateway) -> None:
    for path in ("/live", "/v1/models", "/v1/models/sonnet", "/health"):
        assert (await guarded.http.get(path)).status_code in (200, 503)


async def test_the_sdk_authenticates_with_its_api_key(guarded: Gateway) -> None:
    async with AsyncOpenAI(base_url=f"{guarded.url}/v1", api_key=TWO, max_retries=0) as sdk:
        answer = await sdk.chat.completions.create(
            model="sonnet", messages=[{"role": "user", "content": "Hi"}], extra_headers=CLAUDE
        )
    assert answer.choices[0].message.content == "Hello"


async def test_a_session_is_visible_only_to_the_key_that_started_it(guarded: Gateway) -> None:
    mine = await guarded.claude(headers=ME)
    session = mine.headers[SESSION]
    for response in (
        await guarded.claude(headers=YOU | {SESSION: session}),
        await guarded.http.get(f"/v1/sessions/{session}", headers=YOU),
        await guarded.http.delete(f"/v1/sessions/{session}", headers=YOU),
    ):
        assert (response.status_code, code_of(response)) == (404, "session_not_found")
    assert (await guarded.http.get("/v1/sessions", headers=YOU)).json()["data"] == []
    (listed,) = (await guarded.http.get("/v1/sessions", headers=ME)).json()["data"]
    one = (await guarded.http.get(f"/v1/sessions/{session}", headers=ME)).json()
    assert listed == one
    assert one["id"] == session
    assert one["object"] == "session"
    assert one["created_at"] <= one["last_used_at"] <= time.time()
    assert (await guarded.claude(headers=ME | {SESSION: session})).status_code == 200


async def test_a_deleted_session_is_not_found_afterwards(guarded: Gateway) -> None:
    session = (await guarded.claude(headers=ME)).headers[SESSION]
    ended = await guarded.http.delete(f"/v1/sessions/{session}", headers=ME)
    assert ended.json() == {"id": session, "object": "session.deleted", "deleted": True}
    for response in (
        await guarded.http.delete(f"/v1/sessions/{session}", headers=ME),
        await guarded.claude(headers=ME | {SESSION: session}),
    ):
        assert (response.status_code, code_of(response)) == (404, "session_not_found")
        assert session in response.json()["error"]["message"]


async def test_one_of_fifty_concurrent_requests_to_a_session_succeeds(
    gateway: GatewayFactory,
) -> None:
    backend = HeldBackend()
    async with gateway(claude=backend) as running:
        session = {SESSION: (await running.claude()).headers[SESSION]}
        backend.may_go_on.clear()
        asked = [asyncio.create_task(running.claude(headers=session)) for _ in range(50)]
        await until(lambda: sum(task.done() for task in asked) == 49)
        busy = [task.result() for task in asked if task.done()]
        assert {(r.status_code, code_of(r)) for r in busy} == {(429, "session_busy")}
        assert all("Retry-After" in response.headers for response in busy)
        backend.may_go_on.set()
        responses = await asyncio.gather(*asked)
        assert sorted(r.status_code for r in responses) == [200] + [429] * 49
        ended = await running.http.delete(f"/v1/sessions/{session[SESSION]}")
        assert ended.status_code == 200


async def test_a_session_in_constant_use_expires_at_its_maximum_age(
    gateway: GatewayFactory, backend: ScriptedBackend
) -> None:
    clock = FakeClock(time.time())
    async with gateway(claude=backend, clock=clock) as running:
        session = {SESSION: (await running.claude()).headers[SESSION]}
        for _ in range(30):  # never idle, but older than a day in the end
            clock.advance(3000)
            response = await running.claude(headers=session)
            if response.status_code != 200:
                break
        assert code_of(response) == "session_not_found"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/sessions"])
async def test_the_ip_rate_limit_admits_exactly_its_number_of_requests(
    path: str, gateway: GatewayFactory, backend: ScriptedBackend
) -> None:
    async with gateway(claude=backend, rate_limit_per_ip=20) as running:

        async def ask() -> httpx2.Response:
            if path == "/v1/sessions":
                return await running.http.get(path)
            return await running.claude()

        responses = await asyncio.gather(*(ask() for _ in range(60)))
        refused = [response for response in responses if response.status_code == 429]
        assert len(refused) == 40
        for response in refused:
            assert code_of(response) == "rate_limit_exceeded"
            assert 1 <= int(response.headers["Retry-After"]) <= 60
            assert response.headers["X-RateLimit-Remaining"] == "0"
        remaining = sorted(int(r.headers["X-RateLimit-Remaining"]) for r in responses)
        assert remaining[40:] == list(range(20))
        for free in ("/live", "/health", "/v1/models"):
            response = await running.http.get(free)
            assert response.status_code in (200, 503)
            assert response.headers["X-RateLimit-Remaining"] == "0"


async def test_every_response_has_rate_limit_headers(guarded: Gateway) -> None:
    for response in (
        await guarded.claude(headers=ME),
        await guarded.claude(headers=ME, stream=True),
        await guarded.claude(),
        await guarded.http.get("/nothing"),
        await guarded.http.put("/live"),
        await guarded.http.post("/v1/chat/completions", content=b"{", headers=ME),
    ):
        assert int(response.headers["X-RateLimit-Limit"]) >= 1
        assert int(response.headers["X-RateLimit-Remaining"]) >= 0
        assert int(response.headers["X-RateLimit-Reset"]) >= time.time() - 1


async def test_rate_limit_headers_show_the_strictest_limit(
    gateway: GatewayFactory, backend: ScriptedBackend
) -> None:
    async with gateway(claude=backend, rate_limit_per_session=3) as running:
        first = await running.claude(stream=True)
        session = {SESSION: first.headers[SESSION]}
        assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == (
            "3",
            "2",
        )
        assert (await running.claude(headers=session)).headers["X-RateLimit-Remaining"] == "1"
        assert (await running.claude(headers=session)).headers["X-RateLimit-Remaining"] == "0"
        refused = await running.claude(headers=session)
        assert (refused.status_code, code_of(refused)) == (429, "rate_limit_exceeded")
        assert refused.headers["X-RateLimit-Limit"] == "3"
        assert (await running.claude()).status_code == 200


async def test_concurrency_permits_of_a_key_are_released_however_a_request_ends(
    gateway: GatewayFactory, backend: ScriptedBackend
) -> None:
    async with gateway(claude=backend, max_concurrent_per_key=2, **KEYS) as running:
        permits: Any = running.container.admission_limiter()
        for script, stream in (
            (says("Hello"), False),
            (says("Hello"), True),
            ((RuntimeError("a bug"),), False),
            ((*says("Hello")[:2], RuntimeError("a bug")), True),
        ):
            backend.script = script
            await running.claude(headers=ME, stream=stream)
            await until(lambda: not permits.taken)
        await running.http.post("/v1/chat/completions", content=b"{", headers=ME)
        await running.claude(headers=ME | {"X-Claude-Code": "maybe"})
        assert not permits.taken
        backend.script = (*says("Hello")[:3], 3600.0)
        for stream in (False, True, False, True):
            asking = asyncio.create_task(running.claude(headers=ME, stream=stream))
            await until(lambda: permits.taken and backend.open)
            asking.cancel()
            await asyncio.wait({asking})
            await until(lambda: not permits.taken and not requests_under_way())


async def test_concurrent_requests_of_a_key_are_limited(gateway: GatewayFactory) -> None:
    backend = HeldBackend()
    backend.may_go_on.clear()
    async with gateway(claude=backend, max_concurrent_per_key=3, **KEYS) as running:
        asked = [asyncio.create_task(running.claude(headers=it)) for it in [ME] * 10 + [YOU]]
        await until(lambda: sum(task.done() for task in asked) == 7 and backend.open == 4)
        backend.may_go_on.set()
        responses = await asyncio.gather(*asked)
        statuses = [response.status_code for response in responses]
        assert (statuses.count(200), statuses.count(429), statuses[-1]) == (4, 7, 200)
        refused = next(response for response in responses if response.status_code == 429)
        assert code_of(refused) == "rate_limit_exceeded"
        assert "Retry-After" in refused.headers


@pytest.mark.parametrize(
    ("trusted", "addresses", "refused"),
    [
        ("", ["1.1.1.1", "2.2.2.2", "3.3.3.3"], 1),
        ("127.0.0.1", ["1.1.1.1", "2.2.2.2", "3.3.3.3"], 0),
        ("127.0.0.0/8", ["9.9.9.9, 1.1.1.1", "8.8.8.8, 1.1.1.1", "1.1.1.1"], 1),
        ("10.0.0.1", ["1.1.1.1", "2.2.2.2", "3.3.3.3"], 1),
    ],
)
async def test_x_forwarded_for_is_used_only_from_trusted_proxies(
    trusted: str,
    addresses: list[str],
    refused: int,
    gateway: GatewayFactory,
    backend: ScriptedBackend,
) -> None:
    async with gateway(claude=backend, rate_limit_per_ip=2, trusted_proxies=trusted) as running:
        responses = [await running.claude(headers={"X-Forwarded-For": it}) for it in addresses]
    assert [response.status_code for response in responses].count(429) == refused


async def test_credentials_in_an_answer_are_redacted(
    gateway: GatewayFactory, backend: ScriptedBackend
) -> None:
    key = "sk-ant-api03-abcdefghijklmnop1234"
    backend.script = says("Use ", *key, " please.")
    async with gateway(claude=backend) as running:
        whole = await running.claude()
        streamed = await running.sdk.chat.completions.create(
            model="sonnet",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            extra_headers=CLAUDE,
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in streamed])
    assert whole.json()["choices"][0]["message"]["content"] == text == "Use [REDACTED] please."


async def test_a_failed_turn_reports_the_strictest_limit_and_logs_its_session(
    gateway: GatewayFactory, backend: ScriptedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "modegate.requests")
    async with gateway(claude=backend, rate_limit_per_session=3) as running:
        session = (await running.claude()).headers[SESSION]
        backend.script = (BackendFailedError("x"),)
        failed = await running.claude(headers={SESSION: session})
    assert failed.status_code == 502
    assert (failed.headers["X-RateLimit-Limit"], failed.headers["X-RateLimit-Remaining"]) == (
        "3",
        "1",
    )
    logged: Any = caplog.records[-1]
    assert (logged.fields["model"], logged.fields["session_id"]) == ("sonnet", session)


async def test_listing_upstream_models_requires_a_key(guarded: Gateway) -> None:
    for path in ("/v1/models?include=upstream", "/v1/models/x?include=upstream"):
        assert code_of(await guarded.http.get(path)) == "missing_api_key"
    assert (await guarded.http.get("/v1/models?include=upstream", headers=ME)).status_code == 200
