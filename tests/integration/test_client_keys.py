"""Keys of clients that are made, limited, rotated and revoked while a gateway runs."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.key_upstream import KeyUpstream, key_upstream
from support.waiting import until

from modegate.testing.answer_backend import ScriptedBackend, says
from modegate.testing.clock import FakeClock

ADMIN_KEY, PLAIN = "sk-admin-0123456789", "sk-plain-0123456789"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
SESSION = "X-Claude-Session-ID"
PATHS = [
    ("GET", "/admin/keys"),
    ("POST", "/admin/keys"),
    ("GET", "/admin/keys/key_x"),
    ("PATCH", "/admin/keys/key_x"),
    ("DELETE", "/admin/keys/key_x"),
    ("POST", "/admin/keys/key_x/rotate"),
]
NULLS = (
    "models",
    "modes",
    "mode",
    "expires_at",
    "rpm",
    "tpm",
    "concurrency",
    "budget",
    "revoked_at",
)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def fault_of(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, str(response.json()["error"]["code"])


class Operator:
    """An operator of a gateway with a simulated Claude and an upstream."""

    def __init__(self, gateway: Gateway, backend: ScriptedBackend, clock: FakeClock) -> None:
        self.gateway, self.backend, self.clock = gateway, backend, clock
        self.http = gateway.http

    async def call(self, method: str, path: str = "", body: Any = None) -> httpx2.Response:
        return await self.http.request(method, f"/admin/keys{path}", json=body, headers=ADMIN)

    async def create(self, **fields: object) -> dict[str, Any]:
        response = await self.call("POST", "", {"name": "test", **fields})
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def change(self, key_id: str, **fields: object) -> dict[str, Any]:
        response = await self.call("PATCH", f"/{key_id}", fields)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def listed(self) -> dict[str, dict[str, Any]]:
        response = await self.call("GET")
        assert response.json()["object"] == "list"
        return {it["id"]: it for it in response.json()["data"]}

    async def claude(self, secret: str, **request: Any) -> httpx2.Response:
        return await self.gateway.claude(headers=bearer(secret), **request)


@pytest.fixture
async def upstream() -> AsyncIterator[KeyUpstream]:
    async with key_upstream() as running:
        yield running


@pytest.fixture
def operated(gateway: GatewayFactory, upstream: KeyUpstream) -> Any:
    """Starts a gateway with keys of all sources; its state folder stays the same."""

    @asynccontextmanager
    async def start(**settings: Any) -> AsyncIterator[Operator]:
        backend, clock = ScriptedBackend(*says("Hello")), FakeClock(time.time())
        defaults = {
            "admin_key": ADMIN_KEY,
            "admin_failures_per_minute": 1000,
            "api_key": PLAIN,
            "keys": {"search": {"key": "sk-search-0123456789", "models": ["m"], "rpm": 1000}},
            "openai_api_key": "sk-server",
            "openai_base_url": upstream.url,
        }
        chosen = {name: it for name, it in (defaults | settings).items() if it is not None}
        async with gateway(claude=backend, clock=clock, **chosen) as running:
            yield Operator(running, backend, clock)

    return start


@pytest.fixture
async def operator(operated: Any) -> AsyncIterator[Operator]:
    async with operated() as running:
        yield running


async def test_only_operators_reach_the_api(operator: Operator) -> None:
    made = await operator.create()
    for method, path in PATHS:
        for headers in ({}, bearer(PLAIN), bearer(made["secret"])):
            response = await operator.http.request(method, path, headers=headers, json={})
            assert response.status_code == 401
    assert len(await operator.listed()) == 3


async def test_a_key_is_made_used_with_the_sdk_changed_and_revoked(operator: Operator) -> None:
    made = await operator.create(models=["sonnet", "gpt-4o*"], budget={"usd": 20})
    secret = made.pop("secret")
    assert secret.startswith("sk-mg-")
    assert made["object"] == "api_key"
    assert made["budget"] == {"usd": 20.0, "tokens": None, "period": "month"}
    assert (made["state"], made["source"], made["masked"][-4:]) == ("active", "admin", secret[-4:])
    assert (await operator.call("GET", f"/{made['id']}")).json() == made
    async with AsyncOpenAI(
        base_url=f"{operator.gateway.url}/v1", api_key=secret, max_retries=0
    ) as sdk:
        ask: Any = {"messages": [{"role": "user", "content": "Hi"}], "extra_headers": CLAUDE}
        answer = await sdk.chat.completions.create(model="sonnet", **ask)
        assert answer.choices[0].message.content == "Hello"
        with pytest.raises(openai.PermissionDeniedError, match="sonnet, gpt-4o"):
            await sdk.chat.completions.create(model="opus", **ask)
        listed = {it.id async for it in sdk.models.list()}
        assert listed == {"sonnet", "claude-code/sonnet", "gpt-4o", "gpt-4o-mini"}
        await operator.change(made["id"], models=["opus"])
        await sdk.chat.completions.create(model="opus", **ask)
        await operator.change(made["id"], enabled=False)
        with pytest.raises(openai.AuthenticationError, match="disabled"):
            await sdk.chat.completions.create(model="opus", **ask)
        await operator.change(made["id"], enabled=None, models=None)
        await sdk.chat.completions.create(model="sonnet", **ask)
        revoked = (await operator.call("DELETE", f"/{made['id']}")).json()
        assert revoked["state"] == "revoked"
        with pytest.raises(openai.AuthenticationError, match="revoked"):
            await sdk.chat.completions.create(model="sonnet", **ask)
    assert (await operator.listed())[made["id"]] == revoked
    assert len(operator.backend.turns) == 3


async def test_keys_of_every_source_are_listed_without_secrets(operator: Operator) -> None:
    made = await operator.create()
    response = await operator.call("GET")
    listed = await operator.listed()
    assert {it: key["source"] for it, key in listed.items()} == {
        "env-1": "environment",
        "search": "file",
        made["id"]: "admin",
    }
    assert all(listed[made["id"]][name] is None for name in NULLS)
    assert (listed["search"]["models"], listed["search"]["rpm"]) == (["m"], 1000)
    for secret in (made["secret"], PLAIN, "sk-search-0123456789"):
        assert secret not in response.text
    for it in ("env-1", "search"):
        for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
            response = await operator.call(
                method, f"/{it}{path}", {} if method != "DELETE" else None
            )
            assert fault_of(response) == (409, "key_read_only")
    for method, path in PATHS[2:]:
        response = await operator.call(method, path.removeprefix("/admin/keys"), {})
        assert fault_of(response) == (404, "key_not_found")


WRONG: list[tuple[dict[str, object], str]] = [
    ({}, "name"),
    ({"name": None}, "name"),
    ({"name": "a", "limit": 1}, "limit"),
    ({"name": "a", "rpm": "5"}, "rpm"),
    ({"name": "a", "modes": ["claude"]}, "modes"),
    ({"name": "a", "budget": {"usd": -1}}, "budget"),
]


async def test_a_wrong_field_changes_nothing(operator: Operator) -> None:
    made = await operator.create(rpm=7)
    secret = made.pop("secret")
    url = f"/{made['id']}"
    for body, param in WRONG:
        responses = [await operator.call("POST", "", body)]
        if len(body) > 1:
            wrong: dict[str, object] = {"concurrency": 3, **body}
            responses.append(await operator.call("PATCH", url, wrong))
        for response in responses:
            assert fault_of(response) == (400, "invalid_request")
            assert response.json()["error"]["param"] == param
    for grace in (-1, 1.5, True, "60", 10**9):
        response = await operator.call("POST", f"{url}/rotate", {"grace_seconds": grace})
        assert fault_of(response) == (400, "invalid_request")
        assert response.json()["error"]["param"] == "grace_seconds"
    listed = await operator.listed()
    assert listed[made["id"]] == made
    assert len(listed) == 3
    assert (await operator.claude(secret)).status_code == 200


async def test_a_rotated_key_keeps_its_sessions_and_its_old_secret_for_the_grace(
    operator: Operator,
) -> None:
    made = await operator.create()
    session = (await operator.claude(made["secret"])).headers[SESSION]
    url = f"/admin/keys/{made['id']}/rotate"
    second = (await operator.http.post(url, headers=ADMIN)).json()
    assert second["old_secret_until"] == int(operator.clock.time_of_day()) + 3600
    for secret in (made["secret"], second["secret"]):
        resumed = await operator.claude(secret, stream=True)
        assert resumed.status_code == 200
        listed = await operator.http.get("/v1/sessions", headers=bearer(secret))
        assert session in [it["id"] for it in listed.json()["data"]]
    operator.clock.jump(3601)
    assert fault_of(await operator.claude(made["secret"])) == (401, "invalid_api_key")
    assert (await operator.claude(second["secret"])).status_code == 200
    await operator.change(made["id"], expires_at=operator.clock.time_of_day() + 60)
    assert (await operator.claude(second["secret"])).status_code == 200
    operator.clock.jump(60)
    expired = await operator.claude(second["secret"])
    assert fault_of(expired) == (401, "invalid_api_key")
    assert "expired" in expired.json()["error"]["message"]


async def test_a_mode_or_model_that_is_not_allowed_is_refused_before_anything_is_asked(
    operator: Operator, upstream: KeyUpstream
) -> None:
    claude = (await operator.create(modes=["claude-code"], models=["sonnet"]))["secret"]
    relayed = (await operator.create(modes=["openai-passthrough"], models=["m*"]))["secret"]
    http, form = operator.http, {"Content-Type": "application/json"}
    refusals = [
        (await operator.gateway.chat("sonnet", headers=bearer(claude)), "mode_not_allowed"),
        (await operator.claude(relayed, model="m"), "mode_not_allowed"),
        (await operator.claude(claude, model="opus"), "model_not_allowed"),
        (await operator.gateway.chat("x", headers=bearer(relayed)), "model_not_allowed"),
    ]
    for method, path in (("GET", "/v1/files"), ("POST", "/v1/embeddings")):
        response = await http.request(method, path, json={"model": "m"}, headers=bearer(claude))
        refusals.append((response, "mode_not_allowed"))
    without: list[tuple[str, dict[str, object]]] = [
        ("/v1/embeddings", {"model": "x", "input": "Hi"}),
        ("/v1/embeddings", {"input": "Hi"}),
        ("/v1/responses", {"model": 5}),
        ("/v1/chat/completions", {"messages": []}),
    ]
    for path, body in without:
        response = await http.post(path, json=body, headers=bearer(relayed))
        refusals.append((response, "model_not_allowed"))
    response = await http.post("/v1/audio/speech", content=b"x", headers=bearer(relayed))
    refusals.append((response, "model_not_allowed"))
    assert [fault_of(it) for it, _ in refusals] == [(403, code) for _, code in refusals]
    assert operator.backend.turns == []
    assert upstream.asked == []
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        ask = {"model": "m2", "messages": [], "input": "Hi"}
        response = await http.post(path, json=ask, headers=bearer(relayed) | form)
        assert response.status_code == 200
    of_state = await http.get("/v1/files", headers=bearer(relayed) | {"X-OpenAI-API-Key": "sk-own"})
    assert of_state.status_code == 200
    missing = await http.post(
        "/v1/chat/completions", json={"messages": []}, headers=bearer(claude) | CLAUDE
    )
    assert fault_of(missing) == (400, "missing_required_parameter")  # the default is allowed


async def test_the_list_of_models_is_what_the_key_may_use(
    operator: Operator, upstream: KeyUpstream
) -> None:
    async def ids(**rules: Any) -> set[str]:
        secret = (await operator.create(**rules))["secret"]
        listed = (await operator.http.get("/v1/models", headers=bearer(secret))).json()["data"]
        found = {it["id"] for it in listed}
        for name in ("m", "sonnet"):
            one = await operator.http.get(f"/v1/models/{name}", headers=bearer(secret))
            assert one.status_code == (200 if name in found else 404)
        return found

    everything = await ids()
    assert {"m", "sonnet"} < everything
    assert await ids(modes=["openai-passthrough"]) == {"m"}
    assert upstream.keys("models")
    assert await ids(modes=["claude-code"]) == everything - {"m"}
    assert await ids(models=["sonnet", "m*"]) == {"sonnet", "claude-code/sonnet", "m"}
    assert await ids(models=["sonnet"], mode="claude-code") == {"sonnet"}
    assert await ids(models=["m"], modes=["claude-code"]) == set()


async def test_a_key_has_a_rate_and_a_number_of_concurrent_requests_of_its_own(
    operator: Operator, upstream: KeyUpstream
) -> None:
    permits: Any = operator.gateway.container.admission_limiter()
    made, other = await operator.create(rpm=2), await operator.create()
    first, second, third = [await operator.claude(made["secret"]) for _ in range(3)]
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == (
        "2",
        "1",
    )
    assert second.status_code == 200
    assert fault_of(third) == (429, "rate_limit_exceeded")
    assert 0 < int(third.headers["Retry-After"]) <= 60
    assert (await operator.claude(other["secret"])).status_code == 200
    await until(lambda: not permits.taken)
    await operator.change(made["id"], rpm=None, concurrency=7)
    upstream.gate.clear()
    asked = [
        asyncio.create_task(operator.gateway.chat("m", headers=bearer(made["secret"])))
        for _ in range(20)
    ]
    await until(lambda: sum(it.done() for it in asked) == 13)
    await operator.change(made["id"], concurrency=1)  # running requests keep their permits
    assert permits.taken == 7
    upstream.gate.set()
    answers = await asyncio.gather(*asked)
    assert Counter(it.status_code for it in answers) == {200: 7, 429: 13}
    await until(lambda: not permits.taken)


async def test_requests_at_once_get_200_or_401_while_keys_are_revoked(
    operated: Any, upstream: KeyUpstream
) -> None:
    async with (
        operated(max_concurrent_per_key=100) as operator,
        httpx2.AsyncClient(
            base_url=operator.gateway.url,
            timeout=30,
            trust_env=False,
            limits=httpx2.Limits(max_connections=None),
        ) as http,
    ):
        permits: Any = operator.gateway.container.admission_limiter()
        keys = [await operator.create() for _ in range(10)]
        upstream.gate.clear()

        async def ask(number: int) -> tuple[int, httpx2.Response]:
            key = keys[number % len(keys)]
            body = {"model": "m", "messages": []}
            headers = bearer(key["secret"])
            return number, await http.post("/v1/chat/completions", json=body, headers=headers)

        early = [asyncio.create_task(ask(number)) for number in range(100)]
        await until(lambda: len(upstream.asked) == 100)
        revoking = [operator.call("DELETE", f"/{key['id']}") for key in keys[:5]]
        late = [asyncio.create_task(ask(number)) for number in range(100)]
        assert {it.status_code for it in await asyncio.gather(*revoking)} == {200}
        upstream.gate.set()
        answers = await asyncio.gather(*early, *late)
        assert {it.status_code for _, it in answers[:100]} == {200}
        assert {it.status_code for _, it in answers[100:]} <= {200, 401}
        kept = {it.status_code for number, it in answers if number % 10 >= 5}
        assert kept == {200}
        after = [(await ask(number))[1].status_code for number in range(10)]
        assert after == [401] * 5 + [200] * 5
        await until(lambda: not permits.taken)


async def test_a_gateway_whose_last_key_was_revoked_stays_closed(
    operated: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_to_all = {"api_key": None, "keys": None}
    async with operated(**open_to_all) as operator:
        assert (await operator.gateway.claude()).status_code == 200
        document = (await operator.http.get("/openapi.json")).json()
        chat = "/v1/chat/completions"
        assert document["paths"][chat]["post"]["security"] == []
        kept, revoked = await operator.create(rpm=9), await operator.create()
        document = (await operator.http.get("/openapi.json")).json()
        assert document["paths"][chat]["post"]["security"] == [{"key": []}]
        await operator.call("DELETE", f"/{revoked['id']}")
        assert fault_of(await operator.gateway.claude()) == (401, "missing_api_key")
        before = await operator.listed()
    async with operated(**open_to_all) as operator:
        assert await operator.listed() == before
        assert (await operator.claude(kept["secret"])).status_code == 200
        await operator.call("DELETE", f"/{kept['id']}")
        for secret in (kept["secret"], revoked["secret"]):
            response = await operator.claude(secret)
            assert "revoked" in response.json()["error"]["message"]
        assert fault_of(await operator.gateway.claude()) == (401, "missing_api_key")
    written = [it.read_bytes() for it in (tmp_path / "state").rglob("*") if it.is_file()]
    assert written
    for secret in (kept["secret"], revoked["secret"]):
        assert not [it for it in written if secret.encode() in it]
        assert secret not in caplog.text


async def test_another_gateway_with_the_same_state_folder_obeys(operated: Any) -> None:
    async with operated() as one, operated() as other:
        made = await one.create(rpm=9)
        secret = made["secret"]

        async def status() -> int:
            return int((await other.claude(secret)).status_code)

        async with asyncio.timeout(30):
            while await status() != 200:  # noqa: ASYNC110 - the sync sets no event here
                await asyncio.sleep(0.02)
            assert (await other.listed())[made["id"]]["rpm"] == 9
            await other.call("DELETE", f"/{made['id']}")
            assert await status() == 401
            while (await one.claude(secret)).status_code != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_keys_that_cannot_be_read_close_the_gateway(operated: Any, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "keys.db").write_bytes(b"not a database" * 100)
    async with operated() as operator:
        assert (await operator.claude(PLAIN)).status_code == 200
        assert fault_of(await operator.claude("sk-mg-x")) == (503, "storage_unavailable")
        assert fault_of(await operator.call("POST", "", {"name": "a"})) == (
            503,
            "storage_unavailable",
        )
    async with operated(api_key=None, keys=None) as operator:
        assert fault_of(await operator.gateway.claude()) == (401, "missing_api_key")
