"""Four gateways are restarted one after another behind a load balancer, under load."""

import asyncio
import os
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from support.balancers import balancer
from support.fleet import Member, fleet
from support.fleet_load import COMPLETION_TOKENS, PROMPT_TOKENS, Load, Upstream
from support.gateway import KEY
from support.serving import wait
from support.waiting import until

from modegate.testing.scripted_claude import ScriptedClaude, answer

GATEWAYS = 4
CLIENTS = int(os.environ.get("MODEGATE_FLEET_CLIENTS", "4"))
ROUNDS = int(os.environ.get("MODEGATE_FLEET_ROUNDS", "1"))
# Twenty times what the load balancer of the tests needs.
DRAIN_DELAY_MS = "3000"
CLAUDE_TOKENS = 12
each_balancer = pytest.mark.parametrize(
    "name",
    [
        "haproxy",
        pytest.param("envoy", marks=pytest.mark.exhaustive),
        pytest.param("traefik", marks=pytest.mark.exhaustive),
    ],
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    async with made.server.running():
        yield made


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    folder = tmp_path / "scripted"
    folder.mkdir()
    return ScriptedClaude(folder, *answer("Hello ", "there."))


async def restart(members: list[Member], upstream: Upstream) -> None:
    """Restarts each gateway once the one before it serves again."""
    for _ in range(ROUNDS):
        for number, member in enumerate(members, 1):
            await asyncio.to_thread(member.stop)
            await asyncio.to_thread(member.start)
            before = upstream.gateways[f"Bearer sk-{number}"]
            await until(lambda: upstream.gateways[f"Bearer sk-{number}"] > before, 60)  # noqa: B023


def serves(url: str) -> bool:
    """Whether a load balancer finds a gateway."""
    try:
        with urllib.request.urlopen(f"{url}/live", timeout=30):
            return True
    except OSError:
        return False


def sums(members: list[Member]) -> Counter[str]:
    """Returns the sums of the ledgers."""
    found: Counter[str] = Counter()
    for member in members:
        for group in (member.ask("/admin/usage?group_by=mode") or {})["data"]:
            for name in ("requests", "errors", "prompt_tokens", "completion_tokens"):
                found[name] += group[name]
    return found


@each_balancer
async def test_a_rolling_restart_loses_no_request_and_counts_none_twice(
    name: str, upstream: Upstream, claude: ScriptedClaude, tmp_path: Path
) -> None:
    settings = {
        "OPENAI_BASE_URL": f"{upstream.server.url}/v1",
        "OPENAI_API_KEY": "sk-{number}",
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_PATH": str(claude.path),
        "DRAIN_DELAY_MS": DRAIN_DELAY_MS,
        "SHUTDOWN_TIMEOUT_MS": "60000",
    }
    with (
        fleet(tmp_path, GATEWAYS, settings) as members,
        balancer(name, tmp_path / name, [it.address for it in members]) as front,
    ):
        async with AsyncOpenAI(base_url=f"{front.url}/v1", api_key="unused", max_retries=0) as sdk:
            await asyncio.to_thread(wait, lambda: serves(front.url))
            before = await asyncio.to_thread(sums, members)
            upstream.texts.clear()
            load = Load(sdk, "Hello there.")
            await load.run(CLIENTS, lambda: restart(members, upstream))
        print(f"answered: {dict(load.answered)}")  # noqa: T201 - for a run by hand
        assert Counter(load.texts) == upstream.texts
        assert {*upstream.texts.values()} == {1}
        total = load.answered.total()
        relayed = len(load.texts)
        expected = {
            "requests": total,
            "prompt_tokens": relayed * PROMPT_TOKENS + (total - relayed) * 10,
            "completion_tokens": relayed * COMPLETION_TOKENS + (total - relayed) * 2,
        }
        after: Counter[str] = Counter()
        for _ in range(100):
            after = await asyncio.to_thread(sums, members)
            after.subtract(before)
            if after["requests"] >= total:
                break
            await asyncio.sleep(0.1)
        assert {key: after[key] for key in expected} == expected
        assert after["errors"] == 0
