"""Reloads of a running gateway: every setting, streams under way, credentials and processes."""

# ruff: noqa: FBT003, SLF001 - what a part uses from now on is often seen nowhere else

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.reloading import ADMIN, ADMIN_KEY, Changing, changing
from support.waiting import until

from modegate.domain.budgets.budget import Budget
from modegate.domain.errors import InvalidConfigurationError
from modegate.domain.usage.prices import PriceTable
from modegate.entrypoints.config.reloading import RELOADABLE
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.answer_backend import ScriptedBackend

JSON = {"content-type": "application/json"}
COMPLETION = b'{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}'
ANY = object()
EVENTS = {"content-type": "text/event-stream"}


def chunk(text: str) -> bytes:
    delta = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: %b\n\n" % json.dumps(delta).encode()


@dataclass
class Upstream:
    """Answers with a completion; streams end when `gate` is open."""

    url: str
    gate: asyncio.Event
    keys: list[str]
    streams: int = 0
    status: int = 200

    async def answer(self, request: Request, reply: Reply) -> None:
        self.keys.append(request.headers.get("authorization", "").removeprefix("Bearer "))
        if b'"stream":true' not in request.body.replace(b" ", b""):
            await reply.whole(self.status, COMPLETION, JSON)
            return
        await reply.begin(EVENTS)
        await reply.chunk(chunk("first"))
        self.streams += 1
        await self.gate.wait()
        await reply.chunk(chunk("last") + b"data: [DONE]\n\n")
        await reply.end()


UPSTREAMS: list[Upstream] = []


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream("", asyncio.Event(), [])
    async with LoopbackServer(made.answer).running() as url:
        made.url = f"{url}/v1"
        UPSTREAMS.append(made)
        yield made


@dataclass(frozen=True)
class Case:
    """A new value, and what is observed before and after the reload."""

    value: Any
    observe: Callable[[Changing], Awaitable[object]]
    before: object
    after: object
    others: tuple[tuple[str, Any], ...] = ()


def status(path: str, **headers: str) -> Callable[[Changing], Awaitable[object]]:
    async def observe(world: Changing) -> object:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await world.get(path, named)).status_code

    return observe


def of(read: Callable[[Gateway], object]) -> Callable[[Changing], Awaitable[object]]:
    async def observe(world: Changing) -> object:
        return read(world.gateway)

    return observe


def current(read: Callable[[Any], object]) -> Callable[[Changing], Awaitable[object]]:
    return of(lambda gateway: read(gateway.container.configuration_source().current()))


def of_claude(read: Callable[[Any], object]) -> Callable[[Changing], Awaitable[object]]:
    """Observes the options with which the next turn runs."""
    return of(lambda gateway: read(gateway.container.claude_cli()._turns._resources.options))


def pool_of_claude(read: Callable[[Any], object]) -> Callable[[Changing], Awaitable[object]]:
    return of(lambda gateway: read(gateway.container.claude_cli()._processes))


def parked_of_claude(read: Callable[[Any], object]) -> Callable[[Changing], Awaitable[object]]:
    return of(lambda gateway: read(gateway.container.claude_cli()._turns.parked))


def part(read: Callable[[Any], object]) -> Callable[[Changing], Awaitable[object]]:
    return of(lambda gateway: read(gateway.control.reloader._parts))


async def log_level(world: Changing) -> object:
    return world.levels[-1]


def limit(name: str) -> Callable[[Changing], Awaitable[object]]:
    async def observe(world: Changing) -> object:
        return (await world.get("/v1/models")).headers[name]

    return observe


async def key_of_server(world: Changing) -> object:
    """The key that the upstream gets."""
    await world.gateway.chat(model="m")
    return UPSTREAMS[-1].keys[-1]


async def asked_with(world: Changing) -> object:
    """The status of a chat request, and the key that the upstream got."""
    response = await world.gateway.chat(model="m")
    return response.status_code


async def sent(world: Changing) -> object:
    """The status of a chat request with a body of 2 kB."""
    return (await world.gateway.chat(model="m", text="x" * 2000)).status_code


def relayed(content_type: str) -> Callable[[Changing], Awaitable[object]]:
    async def observe(world: Changing) -> object:
        response = await world.gateway.http.post(
            "/v1/embeddings" if content_type == JSON["content-type"] else "/v1/audio/translations",
            content=b'{"model":"m","input":"' + b"x" * 2000 + b'"}',
            headers={"content-type": content_type},
        )
        return response.status_code

    return observe


def windows_of(world: Changing) -> Any:
    limiter: Any = world.gateway.container.admission_limiter()
    return limiter._windows


async def wrong_admin_keys(world: Changing) -> object:
    found = [await world.get("/admin/config", {"x-api-key": "sk-wrong"}) for _ in range(2)]
    windows_of(world).clear()
    return [it.status_code for it in found]


async def address_behind_proxy(world: Changing) -> object:
    """Whether two forwarded addresses share a limit."""
    seen = []
    for header in ("X-Forwarded-For", "Forwarded"):
        value = "192.0.2.7" if header == "X-Forwarded-For" else "for=192.0.2.7"
        windows_of(world).clear()
        await world.get("/v1/sessions", {header: value})
        (subject,) = windows_of(world)
        seen.append(subject[1])
    return seen


def upstreams(strategy: str) -> dict[str, Any]:
    keys = [{"id": it, "key": f"sk-{it}"} for it in ("a", "b")]
    table = {"base_url": "http://127.0.0.1:1/v1", "models": ["k"], "strategy": strategy}
    return {"kimi": {**table, "credentials": keys}}


MESSAGES = {"messages": "claude-code"}

CASES: dict[str, Case] = {
    "log_level": Case("debug", log_level, "info", "debug"),
    "api_key": Case("sk-client", status("/v1/sessions"), 200, 401),
    "api_keys": Case(("sk-client",), status("/v1/sessions"), 200, 401),
    "allow_unauthenticated": Case(
        True,
        of(lambda it: it.control.reloader.running.allow_unauthenticated),
        False,
        True,
    ),
    "trusted_proxies": Case(
        ("127.0.0.1",), address_behind_proxy, ["127.0.0.1"] * 2, ["192.0.2.7"] * 2
    ),
    "forwarded_header": Case(
        "forwarded",
        address_behind_proxy,
        ["192.0.2.7"] * 2,
        ["127.0.0.1", "192.0.2.7"],
        (("trusted_proxies", ("127.0.0.1",)),),
    ),
    "metrics_token": Case("sk-metrics", status("/metrics"), 200, 401),
    "admin_key": Case("sk-admin-other", status("/admin/config", **ADMIN), 200, 401),
    "admin_keys": Case(("sk-more",), status("/admin/config", x_api_key="sk-more"), 401, 200),
    "admin_failures_per_minute": Case(1, wrong_admin_keys, [401, 401], [401, 429]),
    "max_body_bytes": Case(1024, sent, 200, 413),
    "max_json_bytes": Case(1024, relayed("application/json"), 200, 413),
    "max_upload_bytes": Case(1024, relayed("multipart/form-data; boundary=x"), 200, 413),
    "sse_keepalive_ms": Case(7000, part(lambda it: it.http.current.keep_alive), 15.0, 7.0),
    "request_timeout_ms": Case(7000, of(lambda it: it.container.attempts().total_s), 300.0, 7.0),
    "drain_delay_ms": Case(7000, part(lambda it: it.http.current.drain_delay), 0.0, 7.0),
    "shutdown_timeout_ms": Case(
        7000, of(lambda it: it.control.reloader.running.shutdown_timeout_ms), 10_000, 7000
    ),
    "anthropic_api_key": Case(
        "sk-ant-new-0123456789",
        pool_of_claude(lambda it: it.launcher.environment["ANTHROPIC_API_KEY"]),
        "sk-ant-test",
        "sk-ant-new-0123456789",
    ),
    "claude_path": Case(
        "/bin/true", pool_of_claude(lambda it: it.launcher.executable), ANY, "/bin/true"
    ),
    "claude_tools": Case(("Read",), of_claude(lambda it: it.tools), (), ("Read",)),
    "claude_client_tools": Case(
        "reject",
        current(lambda it: it.parameters.rules["tools"].tier.name),
        "HONOURED",
        "REFUSED",
    ),
    "claude_redact_tool_arguments": Case(
        True, current(lambda it: it.redacts_tool_arguments), False, True
    ),
    "claude_bare": Case(False, of_claude(lambda it: it.uses_bare), True, False),
    "claude_env_allow": Case(
        ("MARKED",), pool_of_claude(lambda it: it.launcher.environment.get("MARKED")), None, "yes"
    ),
    "default_model": Case(
        "opus", current(lambda it: it.routes.models.resolve("default")), "sonnet", "opus"
    ),
    "default_mode": Case(
        "claude-code", current(lambda it: it.modes.mode), "openai-passthrough", "claude-code"
    ),
    "dialects": Case(
        {"messages": {"mode": "claude-code"}}, current(lambda it: it.modes.dialects), {}, MESSAGES
    ),
    "models": Case(
        {"sonnet": "opus"}, current(lambda it: it.routes.models.resolve("sonnet")), "sonnet", "opus"
    ),
    "claude_process_mode": Case("oneshot", pool_of_claude(lambda it: it._keeps), True, False),
    "claude_warm_processes": Case(1, pool_of_claude(lambda it: it._warm._number), 0, 1),
    "claude_warm_models": Case(("opus",), of_claude(lambda it: it.warm_models), (), ("opus",)),
    "claude_live_sessions": Case(1, pool_of_claude(lambda it: it._live._maximum), 4, 1),
    "claude_live_idle_ms": Case(7000, pool_of_claude(lambda it: it._live._idle), 300.0, 7.0),
    "claude_parked_turns": Case(1, parked_of_claude(lambda it: it._maximum), 8, 1),
    "claude_parked_ms": Case(7000, parked_of_claude(lambda it: it._patience), 600.0, 7.0),
    "claude_max_tool_result_chars": Case(
        7000, of_claude(lambda it: it.max_tool_result_chars), 500_000, 7000
    ),
    "claude_first_event_timeout_ms": Case(
        7000, of_claude(lambda it: it.first_event_timeout), 30.0, 7.0
    ),
    "claude_silence_timeout_ms": Case(7000, of_claude(lambda it: it.silence_timeout), 120.0, 7.0),
    "claude_max_own_wait_ms": Case(7000, of_claude(lambda it: it.own_wait), 5.0, 7.0),
    "claude_show_reasoning": Case(True, of_claude(lambda it: it.shows_reasoning), False, True),
    "claude_continue_by_history": Case(
        False, current(lambda it: it.continues_by_history), True, False
    ),
    "claude_cut_at_output_limit": Case(True, of_claude(lambda it: it.cuts_at_limit), False, True),
    "claude_max_media_bytes": Case(7000, current(lambda it: it.media.max_bytes), ANY, 7000),
    "claude_max_image_bytes": Case(7000, current(lambda it: it.media.max_image_bytes), ANY, 7000),
    "media_url_hosts": Case(("a.org",), current(lambda it: it.media.hosts), (), ("a.org",)),
    "media_url_private_hosts": Case(
        ("a.org",), current(lambda it: it.media.private_hosts), (), ("a.org",)
    ),
    "max_concurrent_processes": Case(
        2, of(lambda it: it.container.claude_cli().status().capacity.maximum), 10, 2
    ),
    "pool_queue_timeout_ms": Case(
        7000, of(lambda it: it.container.claude_cli()._slots._timeout), 5.0, 7.0
    ),
    "session_ttl_ms": Case(7000, current(lambda it: it.sessions.idle), 3600.0, 7.0),
    "max_session_age_ms": Case(7000, current(lambda it: it.sessions.age), 86_400.0, 7.0),
    "session_cleanup_interval_ms": Case(7000, part(lambda it: it.cleaner._interval), 60.0, 7.0),
    "rate_limit_per_ip": Case(77, limit("x-ratelimit-limit"), "1000000", "77"),
    "rate_limit_per_session": Case(7, current(lambda it: it.per_session.requests), 1_000_000, 7),
    "rate_limit_window_ms": Case(7000, current(lambda it: it.per_address.seconds), 60.0, 7.0),
    "max_concurrent_per_key": Case(7, current(lambda it: it.per_key), 5, 7),
    "keys": Case({"search": {"key": "sk-search"}}, status("/v1/sessions"), 200, 401),
    "prices": Case(
        {"m": {"input": 1.0, "output": 1.0}},
        current(lambda it: it.prices == PriceTable()),
        True,
        False,
    ),
    "usage_retention_days": Case(
        7, of(lambda it: it.container.expire_usage().retention_days), 400, 7
    ),
    "budget": Case({"tokens": 7}, current(lambda it: it.budget), None, Budget(tokens=7)),
    "budget_timezone": Case(
        "Europe/Berlin", current(lambda it: str(it.budget_zone)), "UTC", "Europe/Berlin"
    ),
    "budget_unknown_price": Case(
        "allow", current(lambda it: it.allows_unknown_prices), False, True
    ),
    "reserved_completion_tokens": Case(
        7, current(lambda it: it.reserved_completion_tokens), 1024, 7
    ),
    "openai_batches": Case(
        "gateway", current(lambda it: it.routes.upstreams[0].has_batches), True, False
    ),
    "batch_concurrency": Case(7, current(lambda it: it.batches.concurrency), 4, 7),
    "batch_retention_days": Case(
        1, current(lambda it: it.batches.retention_s), 30 * 86_400.0, 86_400.0
    ),
    "batch_max_bytes": Case(4096, current(lambda it: it.batches.max_bytes), ANY, 4096),
    "openai_usage_in_streams": Case(
        False, current(lambda it: it.routes.upstreams[0].usage_in_streams), True, False
    ),
    "openai_api_key": Case("sk-second", key_of_server, "sk-server", "sk-second"),
    "openai_base_url": Case(
        "http://127.0.0.1:1/v1", asked_with, 200, 502, (("upstream_max_retries", 0),)
    ),
    "openai_passthrough_enabled": Case(False, asked_with, 200, 503),
    "allow_client_openai_key": Case(
        False,
        current(lambda it: it.routes.clients_may_bring_keys),
        True,
        False,
    ),
    "upstream_max_retries": Case(
        0, of(lambda it: it.container.relay_backend()._options.retries), 2, 0
    ),
    "upstream_first_byte_timeout_ms": Case(
        7000, of(lambda it: it.container.relay_backend()._options.first_byte), 300.0, 7.0
    ),
    "default_upstream": Case(
        "kimi",
        current(lambda it: it.routes.table.default.name),
        "openai",
        "kimi",
        (("upstreams", upstreams("fill-first")),),
    ),
    "upstreams": Case(
        upstreams("round-robin"),
        current(lambda it: [up.name for up in it.routes.upstreams]),
        ["openai"],
        ["openai", "kimi"],
    ),
    "cooldown_auth_ms": Case(7000, current(lambda it: it.cooldowns.auth_s), 1800.0, 7.0),
    "cooldown_server_ms": Case(7000, current(lambda it: it.cooldowns.server_s), 60.0, 7.0),
    "cooldown_max_ms": Case(
        7_000_000, of(lambda it: _pool(it)._rules.cooldowns.max_s), 3600.0, 7000.0
    ),
    "credential_expiry_warning_days": Case(
        1, current(lambda it: it.expiry_warning_s), 604_800.0, 86_400.0
    ),
    "upstream_shared_state": Case(True, status("/v1/files"), 403, 200),
    "models_ttl_ms": Case(7000, of(lambda it: it.container.model_lists()._ttl_s), 300.0, 7.0),
}


def _pool(gateway: Gateway) -> Any:
    pools = gateway.container.credential_pools()
    (upstream,) = pools.configuration.current().routes.upstreams
    return pools.of(upstream)


async def test_each_reloadable_setting_takes_effect_without_a_restart(
    gateway: GatewayFactory, upstream: Upstream, tmp_path: Path, environment: dict[str, str]
) -> None:
    environment["MARKED"] = "yes"

    assert set(CASES) == set(RELOADABLE)
    fixed: dict[str, Any] = {
        "admin_key": ADMIN_KEY,
        "openai_api_key": "sk-server",
        "openai_base_url": upstream.url,
    }
    async with changing(gateway, tmp_path, **fixed) as world:
        for name, case in CASES.items():
            given = dict(case.others)
            await world.reload(**given)
            before = await case.observe(world)
            told = await world.reload(**given, **{name: case.value})
            assert {it.partition(".")[0] for it in told["changed"]} == {name}
            assert (told["needs_restart"], told["unchanged"]) == ([], False)
            assert case.before is ANY or case.before == before, name
            assert await case.observe(world) == case.after, name
            again = await world.reload(**given, **{name: case.value})
            assert (again["changed"], again["unchanged"]) == ([], True), name


async def test_a_reload_with_64_streams_open_loses_none(
    gateway: GatewayFactory, upstream: Upstream, tmp_path: Path
) -> None:
    fixed = {"openai_api_key": "sk-server", "openai_base_url": upstream.url}
    async with changing(gateway, tmp_path, max_concurrent_per_key=100, **fixed) as world:

        async def stream() -> str:
            response = await world.gateway.chat(model="m", stream=True)
            return response.text

        running = [asyncio.create_task(stream()) for _ in range(64)]
        await until(lambda: upstream.streams == 64)
        for number in range(8):  # also keys, the upstream itself, and time limits
            told = await world.reload(
                api_key=f"sk-client-{number}",
                openai_api_key=f"sk-new-{number}",
                openai_base_url="http://127.0.0.1:1/v1",
                request_timeout_ms=1000 + number,
            )
            assert told["unchanged"] is False
        upstream.gate.set()
        texts = await asyncio.gather(*running)
        whole = (chunk("first") + chunk("last") + b"data: [DONE]\n\n").decode()
        assert texts == [whole] * 64
        assert (await world.gateway.chat(model="m")).status_code == 401


async def test_what_was_learned_of_unchanged_upstreams_survives(
    gateway: GatewayFactory, upstream: Upstream, tmp_path: Path
) -> None:
    def table(models: str, *keys: str) -> dict[str, Any]:
        rows = [{"id": it, "key": f"sk-{it}"} for it in keys]
        return {"base_url": upstream.url, "models": [models], "credentials": rows}

    both = {"kimi": table("k", "a", "b"), "other": table("o", "c")}
    async with changing(gateway, tmp_path, upstreams=both, upstream_max_retries=0) as world:
        pools = world.gateway.container.credential_pools()
        kimi, other = pools.configuration.current().routes.upstreams
        known = pools.of(kimi), pools.of(other)
        assert (await world.gateway.chat(model="k")).status_code == 200
        told = await world.reload(upstreams={**both, "other": table("changed", "c")}, api_keys=())
        assert told["changed"] == ["upstreams.other.models"]
        after = pools.configuration.current().routes.upstreams
        assert after[0] is kimi
        assert after[1] is not other
        assert pools.of(kimi) is known[0]
        assert pools.of(after[1]) is not known[1]
        state = next(iter(pools.of(after[1]))).state
        assert state is next(iter(known[1])).state
        await world.reload(upstreams={"kimi": both["kimi"]})
        assert list(pools._pools) == ["kimi"]


async def test_a_key_file_is_read_again_and_followed_from_then_on(
    gateway: GatewayFactory, upstream: Upstream, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"sk-{name}-1")

    def table(name: str) -> dict[str, Any]:
        row = {"id": "k", "key_file": str(tmp_path / name)}
        return {"kimi": {"base_url": upstream.url, "models": ["m"], "credentials": [row]}}

    async with changing(gateway, tmp_path, upstreams=table("a")) as world:
        (tmp_path / "a").write_text("sk-a-2")
        told = await world.reload()
        # The watch may have seen it first; then nothing is left to change.
        assert told["changed"] in (["upstreams.kimi.credentials.k"], [])
        assert await asked_with(world) == 200
        assert upstream.keys[-1] == "sk-a-2"
        await world.reload(upstreams=table("b"))
        assert await asked_with(world) == 200
        assert upstream.keys[-1] == "sk-b-1"
        (tmp_path / "b").write_text("sk-b-2")

        def key() -> str:
            (it,) = world.gateway.container.configuration_source().current().routes.upstreams
            return it.credentials[0].key.reveal()

        await until(lambda: key() == "sk-b-2")
        (tmp_path / "b").unlink()
        with pytest.raises(InvalidConfigurationError, match="does not exist"):
            await world.reload(upstreams=table("b"), rate_limit_per_ip=5)
        assert key() == "sk-b-2"
        assert (await world.get("/v1/models")).headers["x-ratelimit-limit"] == "1000000"


async def test_a_change_of_claudes_key_or_login_retires_waiting_processes(
    gateway: GatewayFactory,
    tmp_path: Path,
    environment: dict[str, str],
    provider: SimulatedProvider,  # noqa: ARG001 - the CLI is real
) -> None:
    login = Path(environment["HOME"]) / ".claude" / ".credentials.json"
    login.parent.mkdir()
    login.write_text("{}")
    async with changing(gateway, tmp_path, claude_warm_processes=1) as world:
        backend = world.gateway.container.claude_cli()

        async def waiting() -> None:
            assert (await world.gateway.claude()).status_code == 200
            await until(lambda: backend._processes.idle == 1 and backend._processes.warm == 1)

        await waiting()
        await world.reload(rate_limit_per_ip=1000)
        assert (backend._processes.idle, backend._processes.warm) == (1, 1)
        told = await world.reload(rate_limit_per_ip=1000, anthropic_api_key="sk-ant-other-key")
        assert told["changed"] == ["anthropic_api_key"]
        assert (backend._processes.idle, backend._processes.warm) == (0, 0)
        await waiting()
        login.write_text('{"renewed": true}')
        told = await world.reload(rate_limit_per_ip=1000, anthropic_api_key="sk-ant-other-key")
        assert (told["changed"], told["unchanged"]) == (["claude_login"], False)
        assert (backend._processes.idle, backend._processes.warm) == (0, 0)


async def test_admin_keys_can_appear_and_go(gateway: GatewayFactory, tmp_path: Path) -> None:
    async with changing(gateway, tmp_path, claude=ScriptedBackend()) as world:
        assert (await world.get("/admin/config", ADMIN)).status_code == 404
        assert "/admin/config" not in (await world.get("/openapi.json")).json()["paths"]
        await world.reload(admin_key=ADMIN_KEY)
        assert (await world.get("/admin/config", ADMIN)).status_code == 200
        assert "/admin/config" in (await world.get("/openapi.json")).json()["paths"]
        await world.reload()
        assert (await world.get("/admin/config", ADMIN)).status_code == 404


async def test_an_operator_drains_and_takes_it_back_under_load(
    gateway: GatewayFactory, upstream: Upstream, tmp_path: Path
) -> None:
    fixed = {"openai_api_key": "sk-server", "openai_base_url": upstream.url}
    async with changing(gateway, tmp_path, admin_key=ADMIN_KEY, **fixed) as world:
        http = world.gateway.http
        running = [
            asyncio.create_task(world.gateway.chat(model="m", stream=True)) for _ in range(16)
        ]
        await until(lambda: upstream.streams == 16)
        for _ in range(2):
            assert (await http.post("/admin/drain", headers=ADMIN)).json() == {"draining": True}
            refused = [await world.gateway.chat(model="m"), await world.gateway.claude()]
            for response in refused:
                assert response.status_code == 503
                assert response.json()["error"]["code"] == "server_shutting_down"
                assert int(response.headers["retry-after"]) >= 1
            assert (await world.get("/health")).json()["status"] == "draining"
            for path in ("/live", "/metrics"):
                assert (await world.get(path)).status_code == 200
            assert (await world.get("/admin/config", ADMIN)).status_code == 200
            back = await http.delete("/admin/drain", headers=ADMIN)
            assert back.json() == {"draining": False}
            assert await asked_with(world) == 200
        upstream.gate.set()
        assert {it.text.count("[DONE]") for it in await asyncio.gather(*running)} == {1}
