"""Sessions of a fleet: each turn goes to any gateway, and gateways are killed on the way.

MODEGATE_FLEET_SESSIONS sets the number of sessions; without it, there are a few.
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import httpx2
import pytest
from support.fleet import Member, fleet
from support.fleet_load import CLAUDE
from support.gateway import KEY
from support.redis import redis_server
from support.session_fleet import make_remembering_claude

SESSIONS = int(os.environ.get("MODEGATE_FLEET_SESSIONS", "12"))
SEED = int(os.environ.get("MODEGATE_FLEET_SEED", "7"))
TURNS = 4
GATEWAYS = 4
CLIENTS = 4
# Sessions between two kills of a gateway.
BETWEEN = 6
# While a gateway is away, or the lease of a turn that it had begun has not ended.
LATER = {"session_busy", "server_shutting_down", "storage_unavailable"}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


class Conversations:
    """Sessions whose turns go to gateways at random; each answer recites its conversation."""

    def __init__(self, members: list[Member], http: httpx2.AsyncClient) -> None:
        self._members = members
        self._http = http
        self._random = random.Random(SEED)  # noqa: S311 - not for cryptography
        self._numbers = iter(range(SESSIONS))
        self._canaries = count()
        self.turns = self.moves = self.cut = self.done = 0

    async def run(self) -> None:
        """Has one session after another."""
        for number in self._numbers:
            await self._converse(number)
            self.done += 1

    async def _converse(self, number: int) -> None:
        session, at = "", -1
        # What the session knows, one list for each state in which a cut turn may have left it.
        known: list[list[str]] = [[]]
        for _ in range(TURNS):
            while True:
                canary = f"canary {next(self._canaries)} of {number}"
                member = self._random.randrange(len(self._members))
                response = await self._ask(self._members[member], session, canary)
                if response is not None and response.status_code == 200:
                    break
                if response is None and session:
                    known += [[*said, canary] for said in known]
                await asyncio.sleep(0.05)
            heard = json.loads(response.json()["choices"][0]["message"]["content"])
            assert heard in [[*said, canary] for said in known], (number, heard, known)
            known = [heard]
            session = response.headers["X-Claude-Session-ID"]
            self.turns += 1
            self.moves += at not in {-1, member}
            at = member

    async def _ask(self, member: Member, session: str, text: str) -> httpx2.Response | None:
        """Has a turn; None if the connection failed or was cut."""
        headers = CLAUDE | ({"X-Claude-Session-ID": session} if session else {})
        body = {"model": "sonnet", "messages": [{"role": "user", "content": text}]}
        url = f"http://{member.address}/v1/chat/completions"
        try:
            response = await self._http.post(url, json=body, headers=headers)
        except httpx2.TransportError:
            self.cut += 1
            return None
        if response.status_code != 200:
            assert response.json()["error"]["code"] in LATER, response.text
        return response


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=90, trust_env=False) as client:
        yield client


@pytest.mark.exhaustive
async def test_sessions_moved_at_random_never_mix_and_survive_killed_gateways(
    http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    stores = tmp_path / "store"
    stores.mkdir()
    with redis_server(stores, fsync="no") as store:
        settings = {
            "MODEGATE_STORE": store.url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_PATH": str(make_remembering_claude(tmp_path)),
            "CLAUDE_LIVE_SESSIONS": "4",
        }
        with fleet(tmp_path, GATEWAYS, settings) as members:
            conversations = Conversations(members, http)
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(conversations.run()) for _ in range(CLIENTS)]
                await kill_one_after_another(members, conversations, running)
            print(  # noqa: T201 - for a run by hand
                f"{SESSIONS} sessions, {conversations.turns} turns, {conversations.moves} of them at "
                f"another gateway than the one before, {conversations.cut} cut by a kill"
            )
    assert conversations.turns == SESSIONS * TURNS
    assert conversations.moves > 0


async def kill_one_after_another(
    members: list[Member], conversations: Conversations, running: list[asyncio.Task[None]]
) -> None:
    """Kills a gateway after every few sessions, and starts it again."""
    for number in count():
        enough = conversations.done + BETWEEN
        while conversations.done < enough:
            if all(task.done() for task in running):
                return
            await asyncio.sleep(0.02)
        members[number % GATEWAYS].kill()
        await asyncio.to_thread(members[number % GATEWAYS].start)
