"""`GET /metrics`, as Prometheus reads it."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.gateway import Gateway, GatewayFactory
from support.waiting import settled, until

from modegate.adapters.sqlite.session_store import SqliteSessionStore
from modegate.entrypoints.cli.commands import doctor
from modegate.testing.answer_backend import ScriptedBackend, says
from modegate.testing.scripted_claude import ScriptedClaude


async def figures(gateway: Gateway, token: str = "") -> dict[tuple[str, str], float]:
    """Each sample's value, by its name and its labels."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = await gateway.http.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, ",".join(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_metrics_count_requests_errors_tokens_and_sessions(gateway: GatewayFactory) -> None:
    backend = ScriptedBackend(*says("Hello"))
    async with gateway(claude=backend) as running:
        await running.claude()
        await running.claude(stream=True)
        await running.claude(model="o1")
        await running.chat("gpt-4o")
        await running.http.get("/nothing/here")
        # A request is counted when it has ended, which is after its client has the answer.
        await settled()
        found = await figures(running)
    claude, at = "claude-code", "/v1/chat/completions"
    assert found["modegate_requests_total", f"{at},200,{claude},none"] == 2
    assert found["modegate_requests_total", f"{at},400,{claude},model_not_found"] == 1
    failed = f"{at},503,openai-passthrough,passthrough_not_configured"
    assert found["modegate_requests_total", failed] == 1
    assert found["modegate_requests_total", "404,none,not_found,other"] == 1
    assert found["modegate_errors_total", f"{claude},model_not_found"] == 1
    assert found["modegate_errors_total", "openai-passthrough,passthrough_not_configured"] == 1
    assert found["modegate_request_seconds_count", claude] == 3
    assert found["modegate_first_token_seconds_count", claude] == 1
    assert found["modegate_tokens_total", f"{claude},prompt,sonnet"] == 20
    assert found["modegate_tokens_total", f"{claude},completion,sonnet"] == 4
    assert found["modegate_cost_usd_total", f"{claude},sonnet"] == 0  # its price is unknown
    assert found["modegate_sessions", ""] == 2
    assert found["modegate_slots", ""] == 10


async def test_metrics_report_active_and_queued_requests_and_disconnects(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "scripted"
    folder.mkdir()
    claude = ScriptedClaude(folder, {"hang": 0})
    async with gateway(claude_path=str(claude.path), max_concurrent_processes=1) as running:
        asking = [asyncio.create_task(running.claude()) for _ in range(3)]
        backend = running.container.claude_cli()
        await until(lambda: claude.starts and backend.status().capacity.queued == 2)
        found = await figures(running)
        for task in asking:
            task.cancel()
        await until(lambda: backend.status().capacity.active == 0)
        await settled()
        left = await figures(running)
    assert (found["modegate_processes", "active"], found["modegate_queue", ""]) == (1, 2)
    assert (left["modegate_processes", "active"], left["modegate_queue", ""]) == (0, 0)
    assert left["modegate_clients_left_total", "claude-code"] == 3


async def test_metrics_contain_no_client_data(gateway: GatewayFactory) -> None:
    async with gateway(claude=ScriptedBackend(*says("Hello"))) as running:
        for name in ("marked-model", "x" * 200):
            await running.claude(model=name, headers={"X-Request-ID": "marked"})
            await running.http.get(f"/{name}?marked=1")
        text = (await running.http.get("/metrics")).text
    assert "marked" not in text
    assert "xxx" not in text


async def test_metrics_require_the_configured_token(gateway: GatewayFactory) -> None:
    keys = {"metrics_token": "sk-metrics", "api_key": "sk-client-1234"}
    async with gateway(**keys) as running:

        async def ask(authorization: bytes) -> httpx2.Response:
            headers = {b"Authorization": authorization} if authorization else {}
            return await running.http.get("/metrics", headers=headers)

        for wrong in (b"", b"Bearer sk-client-1234", b"sk-metrics", b"Bearer \xfc"):
            assert (await ask(wrong)).status_code == 401
        assert await figures(running, "sk-metrics")
        for right in (b"bearer sk-metrics", b"BEARER   sk-metrics"):
            assert (await ask(right)).status_code == 200


async def test_sessions_are_counted_and_cleaned_without_loading_all(
    gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise AssertionError("all sessions were loaded")

    monkeypatch.setattr(SqliteSessionStore, "find", refuse)
    async with gateway(claude=ScriptedBackend(*says("Hello"))) as running:
        await running.claude()
        assert (await figures(running))["modegate_sessions", ""] == 1
        assert await running.container.expire_sessions().execute() == 0
        diagnosis = str(await doctor._sessions(running.container))  # noqa: SLF001
    assert diagnosis.startswith("ok   sessions: 1 in ")


async def test_a_failed_session_store_omits_only_the_sessions_metric(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    async with gateway(modegate_state_dir=tmp_path / "state") as running:
        found = await figures(running)
    assert ("modegate_sessions", "") not in found
    assert found["modegate_slots", ""] == 10
