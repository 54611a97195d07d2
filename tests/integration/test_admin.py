"""The admin API of a running gateway, with an upstream that answers by credential."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.key_upstream import KeyUpstream, configured, key_upstream
from support.waiting import until

from modegate.domain.credentials.selection import Strategy
from modegate.domain.errors.catalogue import claude_code
from modegate.testing.answer_backend import ScriptedBackend, says

ADMIN_KEY = "sk-admin-0123456789"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
FIELDS = (
    *("id", "upstream", "key", "state", "reason", "since", "next_retry_at", "last_ok_at"),
    *("last_error", "requests", "failures"),
)


@pytest.fixture
async def upstream() -> AsyncIterator[KeyUpstream]:
    async with key_upstream() as running:
        yield running


class Admin:
    """An operator of a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.http = gateway.http

    async def credentials(self) -> dict[str, dict[str, Any]]:
        response = await self.http.get("/admin/credentials", headers=ADMIN)
        assert response.status_code == 200
        assert response.json()["object"] == "list"
        return {it["id"]: it for it in response.json()["data"]}

    async def switch(self, credential_id: str, *, enabled: bool) -> dict[str, Any]:
        response = await self.http.patch(
            f"/admin/credentials/{credential_id}", json={"enabled": enabled}, headers=ADMIN
        )
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def probe(self, credential_id: str) -> dict[str, Any]:
        response = await self.http.post(f"/admin/credentials/{credential_id}/probe", headers=ADMIN)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def ask(self) -> int:
        return (await self.gateway.chat(model="m")).status_code


@pytest.fixture
def operated(gateway: GatewayFactory, upstream: KeyUpstream) -> Any:
    """Starts a gateway with credentials of these ids, the state folder being the same."""

    @asynccontextmanager
    async def start(
        *ids: str,
        strategy: Strategy = Strategy.FILL_FIRST,
        expires: dict[str, float] | None = None,
        **settings: Any,
    ) -> AsyncIterator[Admin]:
        async with gateway(
            configuration=configured(upstream, *ids, strategy=strategy, expires=expires),
            admin_key=ADMIN_KEY,
            upstream_max_retries=0,
            **settings,
        ) as running:
            yield Admin(running)

    return start


ADMIN_REQUESTS = [
    ("GET", "/admin/credentials"),
    ("PATCH", "/admin/credentials/a"),
    ("POST", "/admin/credentials/a/probe"),
    ("GET", "/admin/upstreams"),
    ("GET", "/admin/usage"),
    ("GET", "/admin/requests"),
    ("POST", "/admin/reload"),
    ("GET", "/admin/config"),
    ("POST", "/admin/drain"),
    ("DELETE", "/admin/drain"),
]


@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
async def test_without_an_admin_key_the_paths_do_not_exist(
    gateway: GatewayFactory, method: str, path: str
) -> None:
    async with gateway() as running:
        found = await running.http.request(method, path, headers=ADMIN, json={"enabled": False})
        unknown = await running.http.request(method, "/unknown", headers=ADMIN, json={})
        assert (found.status_code, found.content) == (404, unknown.content)
        varying = {"x-request-id", "date", "x-ratelimit-reset"}
        assert {it: found.headers[it] for it in found.headers if it not in varying} == {
            it: unknown.headers[it] for it in unknown.headers if it not in varying
        }


@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
async def test_only_an_operators_key_is_admitted(
    operated: Any, upstream: KeyUpstream, method: str, path: str
) -> None:
    async with operated("a", api_key="sk-client") as admin:
        for headers, code in (
            ({}, "missing_api_key"),
            ({"Authorization": "Bearer sk-client"}, "invalid_api_key"),
            ({"x-api-key": "sk-wrong"}, "invalid_api_key"),
        ):
            response = await admin.http.request(
                method, path, headers=headers, json={"enabled": False}
            )
            assert (response.status_code, response.json()["error"]["code"]) == (401, code)
            assert response.headers["cache-control"] == "no-store"
        assert (await admin.credentials())["a"]["state"] == "ready"
        assert upstream.asked == []


async def test_an_operators_key_is_taken_from_either_header(operated: Any) -> None:
    async with operated("a", admin_keys=("sk-admin-second",)) as admin:
        for headers in (
            ADMIN,
            {"x-api-key": ADMIN_KEY},
            {"x-api-key": "sk-admin-second"},
            {"Authorization": "Bearer sk-wrong", "x-api-key": ADMIN_KEY},
        ):
            response = await admin.http.get("/admin/credentials", headers=headers)
            assert response.status_code == 200
            assert response.headers["cache-control"] == "no-store"


async def test_an_address_with_too_many_wrong_keys_is_locked_out(operated: Any) -> None:
    async with operated("a", admin_failures_per_minute=3) as admin:
        wrong = {"x-api-key": "sk-wrong"}
        responses = [
            await admin.http.get("/admin/credentials", headers=headers)
            for headers in (wrong, {}, wrong, ADMIN, wrong, wrong, ADMIN)
        ]
        assert [it.status_code for it in responses] == [401, 401, 401, 200, 401, 429, 429]
        assert 0 < int(responses[-1].headers["retry-after"]) <= 60
        assert responses[-1].json()["error"]["code"] == "rate_limit_exceeded"
        assert (await admin.http.get("/admin/upstreams", headers=ADMIN)).status_code == 429
        assert (await admin.http.get("/v1/models")).status_code == 200


async def test_the_list_has_the_same_shape_for_every_state(
    operated: Any, upstream: KeyUpstream
) -> None:
    upstream.statuses["a"] = 429
    upstream.headers["retry-after"] = "7200"
    now = time.time()
    async with operated("a", "b", "c", "d", expires={"c": now - 60}) as admin:
        assert await admin.ask() == 200
        await admin.switch("d", enabled=False)
        listed = await admin.credentials()
        assert list(listed) == ["claude", "a", "b", "c", "d"]
        assert {tuple(it) for it in listed.values()} == {FIELDS}
        assert [it["state"] for it in listed.values()] == [
            *("unknown", "cooling", "ready", "expired", "disabled")
        ]
        cooling = listed["a"]
        assert cooling["upstream"] == "test"
        assert cooling["key"] == "****"
        assert cooling["reason"] == "rate limit; the upstream asked for 7200 s"
        assert cooling["next_retry_at"] - cooling["since"] == 3600
        assert abs(cooling["since"] - now) < 60
        assert cooling["last_error"] == {
            "status": 429,
            "code": "upstream_error",
            "at": cooling["since"],
        }
        assert (cooling["requests"], cooling["failures"], cooling["last_ok_at"]) == (1, 1, None)
        assert (listed["b"]["requests"], listed["b"]["failures"]) == (1, 0)
        assert abs(listed["b"]["last_ok_at"] - now) < 60
        assert listed["c"]["since"] == int(now - 60)
        assert listed["d"]["reason"] == "disabled by an operator"
        assert abs(listed["d"]["since"] - now) < 60


async def test_a_disabled_credential_is_skipped_while_running_requests_finish(
    operated: Any, upstream: KeyUpstream
) -> None:
    async with operated("a", "b", strategy=Strategy.ROUND_ROBIN) as admin:
        upstream.gate.clear()
        running = [asyncio.create_task(admin.ask()) for _ in range(64)]
        await until(lambda: len(upstream.asked) == 64)
        assert (await admin.switch("a", enabled=False))["state"] == "disabled"
        late = [asyncio.create_task(admin.ask()) for _ in range(32)]
        await until(lambda: len(upstream.asked) == 96)
        upstream.gate.set()
        assert set(await asyncio.gather(*running, *late)) == {200}
        assert Counter(upstream.keys()) == {"a": 32, "b": 64}
        listed = await admin.credentials()
        assert {it: listed[it]["requests"] for it in ("a", "b")} == {"a": 32, "b": 64}
        assert listed["a"]["state"] == "disabled"
        assert (await admin.switch("a", enabled=True))["state"] == "ready"
        assert await admin.ask() == await admin.ask() == 200
        assert Counter(upstream.keys()) == {"a": 33, "b": 65}


async def test_without_an_enabled_credential_requests_are_rejected(operated: Any) -> None:
    async with operated("a") as admin:
        await admin.switch("a", enabled=False)
        response = await admin.gateway.chat(model="m")
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "no_credentials_available"


async def test_enabling_ends_a_cool_down(operated: Any, upstream: KeyUpstream) -> None:
    upstream.statuses["a"] = 401
    async with operated("a", "b") as admin:
        assert await admin.ask() == 200
        assert (await admin.credentials())["a"]["state"] == "cooling"
        upstream.statuses.clear()
        assert (await admin.switch("a", enabled=True))["state"] == "ready"
        assert await admin.ask() == 200
        assert upstream.keys() == ["a", "b", "a"]


async def test_states_and_counts_survive_a_restart(operated: Any, upstream: KeyUpstream) -> None:
    upstream.statuses["a"] = 402
    async with operated("a", "b", "c") as admin:
        await admin.switch("c", enabled=False)
        assert await admin.ask() == 200
        before = await admin.credentials()
    async with operated("a", "b", "c") as admin:
        assert await admin.credentials() == before
        assert await admin.ask() == 200
        assert upstream.keys() == ["a", "b", "b"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"enabled":1}', b'{"enabled":null}', b'{"enabled":true,"x":1}'],
)
async def test_an_invalid_change_is_rejected(operated: Any, body: bytes) -> None:
    async with operated("a") as admin:
        headers = ADMIN | {"Content-Type": "application/json"}
        response = await admin.http.patch("/admin/credentials/a", content=body, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")
        assert (await admin.credentials())["a"]["state"] == "ready"


async def test_an_unknown_id_is_not_found(operated: Any) -> None:
    async with operated("a") as admin:
        for method, path in (("PATCH", ""), ("POST", "/probe")):
            response = await admin.http.request(
                method, f"/admin/credentials/x{path}", json={"enabled": True}, headers=ADMIN
            )
            assert response.status_code == 404
            assert response.json()["error"]["code"] == "credential_not_found"


async def test_a_good_probe_ends_a_cool_down(operated: Any, upstream: KeyUpstream) -> None:
    upstream.statuses["a"] = 401
    async with operated("a", "b") as admin:
        assert await admin.ask() == 200
        assert (await admin.probe("a"))["state"] == "cooling"
        upstream.statuses.clear()
        probed = await admin.probe("a")
        assert (probed["state"], probed["requests"], probed["failures"]) == ("ready", 3, 2)
        assert upstream.keys("models") == ["a", "a"]
        assert await admin.ask() == 200
        assert upstream.keys() == ["a", "b", "a"]


async def test_a_bad_probe_cools_as_a_request_would(operated: Any, upstream: KeyUpstream) -> None:
    upstream.statuses["a"] = 429
    upstream.headers["retry-after"] = "90"
    async with operated("a", "b") as admin:
        probed = await admin.probe("a")
        assert (probed["state"], probed["reason"]) == ("cooling", "rate limit")
        assert probed["next_retry_at"] - probed["since"] == 90
        assert probed["last_error"]["status"] == 429


async def test_a_disabled_credential_is_probed_and_stays_disabled(
    operated: Any, upstream: KeyUpstream
) -> None:
    async with operated("a", "b") as admin:
        await admin.switch("a", enabled=False)
        probed = await admin.probe("a")
        assert probed["state"] == "disabled"
        assert probed["last_ok_at"] is not None
        assert upstream.keys("models") == ["a"]


async def test_probes_at_once_share_one_request(operated: Any, upstream: KeyUpstream) -> None:
    async with operated("a", "b") as admin:
        upstream.gate.clear()
        first = asyncio.create_task(admin.probe("a"))
        others = [asyncio.create_task(admin.probe("a")) for _ in range(5)]
        another = asyncio.create_task(admin.probe("b"))
        await until(lambda: len(upstream.asked) == 2)
        await until(lambda: len(admin_requests()) == 7)
        first.cancel()  # its client has left, and the others still get the result
        await asyncio.wait({first})
        upstream.gate.set()
        results = await asyncio.gather(*others)
        assert results == [results[0]] * 5
        assert results[0]["requests"] == 1
        await another
        assert Counter(upstream.keys("models")) == {"a": 1, "b": 1}
        await admin.probe("a")
        assert Counter(upstream.keys("models")) == {"a": 2, "b": 1}


def admin_requests() -> list[asyncio.Task[object]]:
    """The handlers that wait for a probe."""
    return [
        task
        for task in asyncio.all_tasks()
        if "RequestLifecycle" in repr(task.get_coro()) or "run_asgi" in repr(task.get_coro())
    ]


async def test_claude_is_disabled_and_probed_like_an_upstream(operated: Any) -> None:
    backend = ScriptedBackend()
    async with operated("a", claude=backend) as admin:
        assert (await admin.credentials())["claude"]["state"] == "unknown"
        assert (await admin.gateway.claude()).status_code == 200
        known = (await admin.credentials())["claude"]
        assert (known["state"], known["requests"], known["upstream"]) == ("ready", 1, "claude")
        assert (await admin.switch("claude", enabled=False))["state"] == "disabled"
        for stream in (False, True):
            response = await admin.gateway.claude(stream=stream)
            assert response.status_code == 503
            assert response.json()["error"]["code"] == "no_credentials_available"
        assert await admin.ask() == 200
        assert len(backend.turns) == 1
        probed = await admin.probe("claude")
        assert (probed["state"], probed["requests"]) == ("disabled", 2)
        assert (await admin.switch("claude", enabled=True))["state"] == "ready"
        assert (await admin.gateway.claude()).status_code == 200


async def test_a_failed_turn_is_the_last_error_of_claude(operated: Any) -> None:
    backend = ScriptedBackend(claude_code.auth_failed())
    async with operated("a", claude=backend) as admin:
        assert (await admin.gateway.claude()).status_code == 401
        known = (await admin.credentials())["claude"]
        assert (known["state"], known["failures"]) == ("ready", 1)
        assert known["last_error"]["code"] == "backend_auth_failed"
        backend.script = says("ok")
        assert (await admin.probe("claude"))["last_ok_at"] is not None


async def test_upstreams_are_listed_and_checked(operated: Any, upstream: KeyUpstream) -> None:
    async with operated("a", "b") as admin:
        await admin.switch("a", enabled=False)
        url = "/admin/upstreams"
        (listed,) = (await admin.http.get(url, headers=ADMIN)).json()["data"]
        assert listed == {
            "name": "test",
            "kind": "openai",
            "default": True,
            "models": [],
            "prefix": None,
            "strategy": "fill-first",
            "capabilities": ["audio", "embeddings", "image", "text"],
            "credentials": 2,
            "usable_credentials": 1,
        }
        assert upstream.asked == []
        for status, check in (
            (200, {"reachable": True, "error": None, "models": 1}),
            (401, {"reachable": True, "error": "upstream_error", "models": None}),
        ):
            upstream.statuses["b"] = status
            response = await admin.http.get(url, params={"check": "true"}, headers=ADMIN)
            assert response.json()["data"] == [listed | {"check": check}]
        assert upstream.keys("models") == ["b", "b"]
        assert (await admin.credentials())["b"]["requests"] == 0


async def test_an_upstream_that_does_not_listen_is_not_reachable(
    gateway: GatewayFactory,
) -> None:
    async with gateway(
        configuration=configured(KeyUpstream("http://127.0.0.1:1/v1"), "a"), admin_key=ADMIN_KEY
    ) as running:
        response = await running.http.get("/admin/upstreams?check=true", headers=ADMIN)
        check = response.json()["data"][0]["check"]
        assert (check["reachable"], check["models"]) == (False, None)
        refused = await running.http.get("/admin/upstreams?check=maybe", headers=ADMIN)
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "check"


async def test_health_reads_the_states_and_asks_nobody(
    operated: Any, upstream: KeyUpstream
) -> None:
    async def check(admin: Admin) -> object:
        return (await admin.http.get("/health")).json()["checks"]["credentials"]

    async with operated("a", "b") as admin:
        assert await check(admin) == "ok"
        await admin.switch("b", enabled=False)
        assert await check(admin) == "ok"
        await admin.switch("a", enabled=False)
        assert await check(admin) == "error"
        await admin.switch("a", enabled=True)
        await admin.switch("b", enabled=True)
        upstream.statuses["a"] = 401
        assert await admin.ask() == 200
        asked = len(upstream.asked)
        assert await check(admin) == "warn"
        assert len(upstream.asked) == asked


@pytest.mark.parametrize(("days", "expected"), [(6, "warn"), (8, "ok"), (-1, "error")])
async def test_health_warns_of_a_credential_that_expires_soon(
    operated: Any, days: int, expected: str
) -> None:
    async with operated("a", expires={"a": time.time() + days * 86_400}) as admin:
        health = (await admin.http.get("/health")).json()
        assert health["checks"]["credentials"] == expected


async def test_metrics_count_credentials_and_attempts(operated: Any, upstream: KeyUpstream) -> None:
    upstream.statuses["a"] = 401
    async with operated("a", "b", expires={"b": time.time() + 1000}) as admin:
        assert await admin.ask() == 200
        page = (await admin.http.get("/metrics")).text
        for line in (
            'modegate_credentials{state="cooling",upstream="test"} 1.0',
            'modegate_credentials{state="ready",upstream="test"} 1.0',
            'modegate_credentials{state="disabled",upstream="test"} 0.0',
            'modegate_credentials{state="unknown",upstream="claude"} 1.0',
            'modegate_attempts_total{credential="a",outcome="failed",upstream="test"} 1.0',
            'modegate_attempts_total{credential="b",outcome="ok",upstream="test"} 1.0',
        ):
            assert line in page
        (left,) = [it for it in page.splitlines() if "expires_seconds{" in it]
        assert left.startswith('modegate_credential_expires_seconds{credential="b"} ')
        assert 900 < float(left.split()[1]) <= 1000


async def test_an_unusable_state_folder_costs_no_request(
    operated: Any, upstream: KeyUpstream, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    upstream.statuses["a"] = 401
    async with operated("a", "b", modegate_state_dir=tmp_path / "file") as admin:
        for _ in range(3):
            assert await admin.ask() == 200
        assert upstream.keys() == ["a", "b", "b", "b"]
        response = await admin.http.patch(
            "/admin/credentials/b", json={"enabled": False}, headers=ADMIN
        )
        assert response.json()["error"]["code"] == "storage_unavailable"
        assert (await admin.credentials())["b"]["state"] == "disabled"
        await until(lambda: "credentials not stored" in caplog.text)
    assert caplog.text.count("credentials not stored") == 1


async def test_the_log_names_the_upstream_and_the_credential(
    operated: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "modegate.requests")
    async with operated("a") as admin:
        assert await admin.ask() == 200
    fields = [vars(it)["fields"] for it in caplog.records if it.name == "modegate.requests"]
    assert (fields[0]["upstream"], fields[0]["credential"]) == ("test", "a")
