"""The real CLI on a full disk: before, during and after a turn."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.disk import Disk, mounted
from support.gateway import Gateway, GatewayFactory
from support.waiting import until

from modegate.simulator.anthropic_api import AnthropicDialect
from modegate.simulator.api import JSON
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider

SESSION = "X-Claude-Session-ID"
ONESHOT = {"claude_process_mode": "oneshot"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "state") as made:
        yield made


def code_of(response: Any) -> str:
    return str(response.json()["error"]["code"])


def last_messages(provider: SimulatedProvider) -> str:
    """Returns the messages of the last request to the model, as JSON."""
    return json.dumps(provider.requests[-1].json["messages"])


async def settled(gateway: Gateway) -> None:
    backend = gateway.container.claude_cli()
    await until(lambda: not backend.status().capacity.active)


def folders(disk: Disk) -> list[Path]:
    return list(disk.folder.glob("sessions/*"))


async def storage_of(gateway: Gateway) -> str:
    return str((await gateway.http.get("/health")).json()["checks"]["storage"])


async def until_health_reports(gateway: Gateway, state: str) -> None:
    """Waits until `/health` reports the state; it checks once a second."""
    while await storage_of(gateway) != state:
        pass


@pytest.mark.parametrize("settings", [{}, ONESHOT], ids=["live", "oneshot"])
async def test_turns_on_a_full_disk_are_rejected_before_the_model_is_asked(
    settings: dict[str, Any], disk: Disk, gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway(**settings) as running:
        session = {SESSION: (await running.claude("ONE")).headers[SESSION]}
        await settled(running)
        asked = len(provider.requests)
        disk.fill()
        for headers in ({}, session):
            for stream in (False, True):
                refused = await running.claude("TWO", headers=headers, stream=stream)
                assert (refused.status_code, code_of(refused)) == (503, "storage_unavailable")
                assert "full" in refused.json()["error"]["message"]
                assert refused.headers["X-Should-Retry"] == "false"
                assert str(disk.folder) not in refused.text
        assert len(provider.requests) == asked
        assert [it.name for it in folders(disk)] == [session[SESSION]]
        listed = (await running.http.get("/v1/sessions")).json()["data"]
        assert [it["id"] for it in listed] == [session[SESSION]]
        for path in ("/live", "/v1/models", "/metrics", "/openapi.json"):
            assert (await running.http.get(path)).status_code == 200
        await until_health_reports(running, "error")
        disk.free()
        await until_health_reports(running, "ok")
        assert (await running.claude("NEW")).status_code == 200
        assert (await running.claude("THREE", headers=session)).status_code == 200
        assert "ONE" in last_messages(provider)
        assert "TWO" not in last_messages(provider)
        await settled(running)


@pytest.mark.parametrize(
    ("settings", "stream"),
    [
        pytest.param({}, True, id="live-True"),
        pytest.param(ONESHOT, False, id="oneshot-False"),
        pytest.param({}, False, id="live-False", marks=pytest.mark.exhaustive),
        pytest.param(ONESHOT, True, id="oneshot-True", marks=pytest.mark.exhaustive),
    ],
)
async def test_a_disk_that_fills_during_a_turn_does_not_lose_the_answer(
    settings: dict[str, Any],
    stream: bool,
    disk: Disk,
    gateway: GatewayFactory,
    provider: SimulatedProvider,
) -> None:
    async def fill_and_answer(request: Request, reply: Reply) -> None:
        disk.fill()
        await provider._play(request, reply, AnthropicDialect())  # noqa: SLF001

    async with gateway(**settings) as running:
        session = {SESSION: (await running.claude("ONE")).headers[SESSION]}
        await settled(running)
        new = None
        for headers in (session, {}):
            provider.script(fill_and_answer)
            answered = await running.claude("TWO", headers=headers, stream=stream)
            assert answered.status_code == 200
            assert "TWO" in answered.text
            assert "stream_error" not in answered.text
            await settled(running)
            new = {SESSION: answered.headers[SESSION]}
            disk.free()
        assert (await running.claude("THREE", headers=session)).status_code == 200
        assert "ONE" in last_messages(provider)
        assert_complete_or_absent(last_messages(provider))
        resumed = await running.claude("THREE", headers=new)
        if resumed.status_code == 200:
            assert_complete_or_absent(last_messages(provider))
        else:
            assert (resumed.status_code, code_of(resumed)) == (404, "session_not_found")
        await settled(running)


def assert_complete_or_absent(told: str) -> None:
    """Asserts that the whole turn was stored, or none of it: half a turn misleads the model."""
    assert ('"TWO"' in told) == ("You said: \\u201cTWO" in told)
    assert "No response requested" not in told


@pytest.mark.parametrize("settings", [{}, ONESHOT], ids=["live", "oneshot"])
async def test_a_turn_that_fails_on_a_full_disk_is_removed_from_the_conversation(
    settings: dict[str, Any], disk: Disk, gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async def fill_and_fail(_: Request, reply: Reply) -> None:
        disk.fill()
        await reply.whole(400, b'{"type":"error","error":{"type":"invalid_request_error"}}', JSON)

    async with gateway(**settings) as running:
        session = {SESSION: (await running.claude("ONE")).headers[SESSION]}
        await settled(running)
        provider.script(*[fill_and_fail] * 9)  # the CLI retries by itself
        assert (await running.claude("TWO", headers=session)).status_code == 400
        await settled(running)
        provider.clear()
        disk.free()
        assert (await running.claude("THREE", headers=session)).status_code == 200
        assert "ONE" in last_messages(provider)
        assert "TWO" not in last_messages(provider)
        await settled(running)


@pytest.mark.usefixtures("provider")
async def test_sessions_can_be_deleted_on_a_full_disk(disk: Disk, gateway: GatewayFactory) -> None:
    async with gateway(**ONESHOT) as running:
        session = (await running.claude("ONE")).headers[SESSION]
        await settled(running)
        another = (await running.claude("ONE")).headers[SESSION]
        await settled(running)
        disk.fill()
        assert (await running.http.delete(f"/v1/sessions/{session}")).status_code == 200
        assert [it.name for it in folders(disk)] == [another]
        disk.fill()
    disk.fill()
    async with gateway(**ONESHOT) as running:  # it must free space for the files that SQLite opens
        listed = (await running.http.get("/v1/sessions")).json()["data"]
        assert [it["id"] for it in listed] == [another]
        assert (await running.http.delete(f"/v1/sessions/{another}")).status_code == 200
        assert not folders(disk)
