"""Sessions whose turns go to any of several gateways, each with a state folder of its own."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from claude_agent_sdk import InMemorySessionStore
from support.session_fleet import Fleet, Member, make_remembering_claude

from modegate.application.ports.transcript_archive import TranscriptArchive

GATEWAYS = 4


@pytest.fixture
def archive() -> TranscriptArchive:
    """A store of the Claude Agent SDK, because any that was made for the SDK can be used."""
    return cast("TranscriptArchive", InMemorySessionStore())


@pytest.fixture
def fleet(tmp_path: Path, archive: TranscriptArchive) -> Fleet:
    return Fleet(tmp_path, make_remembering_claude(tmp_path), archive)


@pytest.fixture
async def members(fleet: Fleet) -> AsyncIterator[list[Member]]:
    async with fleet.members(GATEWAYS) as members:
        yield members


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_session_goes_on_wherever_its_next_turn_comes(
    members: list[Member], fleet: Fleet, *, streamed: bool
) -> None:
    session = (await members[0].ask("0", streamed=streamed)).session
    said = ["0"]
    for number, member in enumerate([1, 2, 2, 0, 3, 1, 0, 0], start=1):
        said.append(str(number))
        answer = await members[member].ask(str(number), session, streamed=streamed)
        assert answer.heard == said
    stored = await fleet.store.get(session)
    assert stored is not None
    assert stored.turns == len(said)


async def test_sessions_are_never_mixed(members: list[Member]) -> None:
    chance = random.Random(18)  # noqa: S311 - the same every time
    said: dict[str, list[str]] = {}
    for number in range(10):
        answer = await members[number % GATEWAYS].ask(f"canary {number}")
        said[answer.session] = [f"canary {number}"]
    for number in range(50):
        session = chance.choice(list(said))
        said[session].append(f"canary {number}, turn of {session}")
        answer = await chance.choice(members).ask(said[session][-1], session)
        assert answer.heard == said[session]
