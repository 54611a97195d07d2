"""The quota windows of a login, from the API's headers through the real claude CLI to operators."""

import time
from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.gateway import Gateway, GatewayFactory
from support.quota_headers import RESETS_AT, quota_headers

from modegate.simulator.api import Fails, Says
from modegate.simulator.provider import SimulatedProvider

ADMIN_KEY = "sk-admin-0123456789"
FINAL = {
    "x-should-retry": "false"
}  # the CLI then reports the limit itself, and does not wait for it
BOTH = quota_headers("rejected", five_hour=1.0, seven_day=1.0)


async def health_of(gateway: Gateway) -> Any:
    checks = (await gateway.http.get("/health")).json()["checks"]
    return checks.get("claude_windows")


async def row_of(gateway: Gateway) -> Any:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    rows = (await gateway.http.get("/admin/credentials", headers=headers)).json()["data"]
    return next(row for row in rows if row["id"] == "claude")


async def metrics_of(gateway: Gateway) -> dict[str, dict[str, float]]:
    """Returns the values of each family of windows by window."""
    text = (await gateway.http.get("/metrics")).text
    return {
        family.name: {sample.labels["window"]: sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
        if family.name.startswith("modegate_claude_window_")
    }


def window(name: str, used: float) -> dict[str, object]:
    status = "rejected" if used >= 1 else "allowed"
    return {"name": name, "status": status, "used_ratio": used, "resets_at": RESETS_AT[name]}


async def refused(gateway: Gateway, provider: SimulatedProvider, headers: Mapping[str, str]) -> str:
    """Returns the window after which a refused turn may be repeated, by its `Retry-After`."""
    provider.script(Fails(429, headers=headers))
    begun = time.time()
    response = await gateway.claude()
    ended = time.time()
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "backend_rate_limited"
    assert response.headers["X-Should-Retry"] == "false"
    wait = int(response.headers["Retry-After"])  # rounded up, from a moment of the request
    (found,) = (it for it, at in RESETS_AT.items() if at - ended <= wait <= at - begun + 1)
    return found


async def test_operators_see_the_windows_of_a_login_and_clients_when_they_reset(
    gateway: GatewayFactory, provider: SimulatedProvider, environment: dict[str, str]
) -> None:
    environment["CLAUDE_CODE_OAUTH_TOKEN"] = environment.pop("ANTHROPIC_API_KEY")
    async with gateway(admin_key=ADMIN_KEY) as running:
        assert await health_of(running) is None
        assert "quota_windows" not in await row_of(running)
        assert not await metrics_of(running)

        provider.script(Says("Hello.", headers=quota_headers("allowed", five_hour=0.42)))
        assert (await running.claude()).status_code == 200
        assert await health_of(running) == {
            "status": "allowed",
            "binding": "five_hour",
            "resets_at": RESETS_AT["five_hour"],
            "windows": [window("five_hour", 0.42), window("seven_day", 0.13)],
        }
        assert (await row_of(running))["quota_windows"] == await health_of(running)
        before = time.time()
        metrics = await metrics_of(running)
        assert metrics["modegate_claude_window_used_ratio"] == {
            "five_hour": 0.42,
            "seven_day": 0.13,
        }
        for name, left in metrics["modegate_claude_window_resets_seconds"].items():
            assert RESETS_AT[name] - time.time() <= left <= RESETS_AT[name] - before

        week = quota_headers("rejected", "seven_day", five_hour=0.5, seven_day=1.0)
        assert await refused(running, provider, week) == "seven_day"
        assert await refused(running, provider, week | FINAL) == "seven_day"
        assert await health_of(running) == {
            "status": "rejected",
            "binding": "seven_day",
            "resets_at": RESETS_AT["seven_day"],
            "windows": [window("five_hour", 0.5), window("seven_day", 1.0)],
        }
        # With both used up, the shorter one's reset does not help, even if the API names it.
        assert await refused(running, provider, BOTH | FINAL) == "seven_day"

        provider.script(Says("Hello.", headers=quota_headers("allowed", five_hour=0.01)))
        assert (await running.claude()).status_code == 200
        assert (await health_of(running))["status"] == "allowed"
        assert (await row_of(running))["last_error"]["code"] == "backend_rate_limited"


async def test_a_key_has_no_windows(gateway: GatewayFactory, provider: SimulatedProvider) -> None:
    async with gateway(admin_key=ADMIN_KEY) as running:
        provider.script(Says("Hello.", headers=quota_headers("allowed", five_hour=0.42)))
        assert (await running.claude()).status_code == 200
        assert await refused(running, provider, BOTH) == "five_hour"
        assert await health_of(running) is None
        assert "quota_windows" not in await row_of(running)
        assert not await metrics_of(running)
