"""The system clock jumps an hour forwards or backwards while the gateway runs."""

import time
from typing import Any

import pytest
from support.gateway import GatewayFactory

from modegate.testing.answer_backend import ScriptedBackend, says

HOUR = 3600.0
SESSION = "X-Claude-Session-ID"
real = time.time


def set_clock(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    monkeypatch.setattr(time, "time", lambda: real() + jump)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_sessions_and_rate_limits_survive_a_clock_jump(
    jump: float, gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend: Any = ScriptedBackend(*says("Hello"))
    settings = {"rate_limit_per_session": 3}
    async with gateway(claude=backend, **settings) as running:
        first = await running.claude()
        session = {SESSION: first.headers[SESSION]}
        set_clock(monkeypatch, jump)
        second = await running.claude(headers=session)
        assert second.status_code == 200
        assert second.json()["created"] == pytest.approx(real() + jump, abs=60)
        reset = float(second.headers["X-RateLimit-Reset"])
        assert 0 < reset - (real() + jump) <= 61
        (listed,) = (await running.http.get("/v1/sessions")).json()["data"]
        assert listed["created_at"] == pytest.approx(real() + jump, abs=60)
        assert (await running.claude(headers=session)).status_code == 200
        refused = await running.claude(headers=session)
        assert refused.status_code == 429
        assert 0 < float(refused.headers["Retry-After"]) <= 61
        set_clock(monkeypatch, -jump)
        assert (await running.claude(headers=session)).status_code == 429
        assert await running.container.expire_sessions().execute() == 0
    async with gateway(claude=backend) as running:  # restarted after the jump
        assert (await running.claude(headers=session)).status_code == 200
