"""Four gateways are restarted one after another behind a load balancer, under load."""

import asyncio
import os
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from support.balancers import balancer
from support.fleet import Member, fleet
from support.fleet_load import COMPLETION_TOKENS, PROMPT_TOKENS, Load, Upstream
from support.gateway import KEY
from support.postgres import postgres_server
from support.redis import redis_server
from support.serving import wait
from support.session_fleet import make_remembering_claude
from support.waiting import until

GATEWAYS = 4
CLIENTS = int(os.environ.get("MODEGATE_FLEET_CLIENTS", "4"))
ROUNDS = int(os.environ.get("MODEGATE_FLEET_ROUNDS", "1"))
# Many times what each load balancer of the tests needs; Traefik asks every three seconds.
DRAIN_DELAY_MS = {"haproxy": "3000", "envoy": "3000", "traefik": "12000"}
SUMS = ("requests", "errors", "prompt_tokens", "completion_tokens")
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
def shared(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The store and the ledger of the gateways."""
    folder = tmp_path / "store"
    folder.mkdir()
    with redis_server(folder, fsync="no") as store, postgres_server() as database:
        yield {"MODEGATE_STORE": store.url, "MODEGATE_LEDGER": database.url}


async def restart(members: list[Member], upstream: Upstream) -> None:
    """Restarts each gateway once the one before it serves again, and all have served at first."""
    keys = [f"Bearer sk-{number}" for number in range(1, len(members) + 1)]
    await until(lambda: all(upstream.gateways[key] for key in keys), 60)
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


def sums(member: Member) -> Counter[str]:
    """Returns the sums of the ledger that all gateways share."""
    (group,) = (member.ask("/admin/usage") or {})["data"]
    return Counter({name: group[name] for name in SUMS})


@each_balancer
async def test_a_rolling_restart_loses_no_request_and_counts_none_twice(
    name: str, upstream: Upstream, shared: dict[str, str], tmp_path: Path
) -> None:
    settings = shared | {
        "OPENAI_BASE_URL": f"{upstream.server.url}/v1",
        "OPENAI_API_KEY": "sk-{number}",
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_PATH": str(make_remembering_claude(tmp_path)),
        "DRAIN_DELAY_MS": DRAIN_DELAY_MS[name],
        "SHUTDOWN_TIMEOUT_MS": "60000",
    }
    with (
        fleet(tmp_path, GATEWAYS, settings) as members,
        balancer(name, tmp_path / name, [it.address for it in members]) as front,
    ):
        async with AsyncOpenAI(base_url=f"{front.url}/v1", api_key="unused", max_retries=0) as sdk:
            await asyncio.to_thread(wait, lambda: serves(front.url))
            load = Load(sdk)
            await load.run(CLIENTS, lambda: restart(members, upstream))
        print(f"answered: {dict(load.answered)}, refused: {load.refused}")  # noqa: T201 - for a run by hand
        assert Counter(load.texts) == upstream.texts
        assert {*upstream.texts.values()} == {1}
        total, relayed = load.answered.total(), len(load.texts)
        expected = {
            "requests": total,
            "prompt_tokens": relayed * PROMPT_TOKENS + total - relayed,
            "completion_tokens": relayed * COMPLETION_TOKENS + total - relayed,
        }
        await asyncio.to_thread(wait, lambda: sums(members[0])["requests"] >= total)
        found = sums(members[0])
        # A gateway that refused a request in its queue, because it drains, has a row of the error.
        errors = found.pop("errors", 0)
        assert errors <= load.refused
        assert found - Counter(requests=errors) == expected
