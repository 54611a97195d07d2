"""Sessions of the real claude CLI that move between gateways, seen by a simulated model."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.session_fleet import Fleet, Member

from modegate.adapters.claude_cli.turns import stored_turn
from modegate.adapters.objects.folder import FolderObjects
from modegate.adapters.objects.transcript_archive import ObjectTranscriptArchive
from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider

# A turn of the CLI costs half a second of CPU time; `MODEGATE_MOVED_CLI_TURNS` asks for more of them.
TURNS = int(os.environ.get("MODEGATE_MOVED_CLI_TURNS", "3"))
SESSIONS = 2


@pytest.fixture
def fleet(
    tmp_path: Path,
    environment: dict[str, str],
    provider: SimulatedProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> Fleet:
    assert provider.url
    # A busy machine lets the CLI write late, and a turn that it has not written does not move.
    monkeypatch.setattr(stored_turn, "WRITTEN_TIMEOUT_S", 30.0)
    archive = ObjectTranscriptArchive(FolderObjects(tmp_path / "archive"))
    return Fleet(tmp_path, None, archive, environment=environment)


@pytest.fixture
async def members(fleet: Fleet) -> AsyncIterator[list[Member]]:
    async with fleet.members(2) as members:
        yield members


async def test_a_moved_session_asks_the_model_with_its_own_turns_only(
    members: list[Member], provider: SimulatedProvider
) -> None:
    said: dict[str, list[str]] = {}
    for number in range(SESSIONS):
        begun = await members[0].ask(f"canary {number}.")
        said[begun.session] = [f"canary {number}."]
    for number in range(TURNS):
        for offset, session in enumerate(said):
            said[session].append(f"canary {number} of {session}.")
            await members[(number + offset) % 2].ask(said[session][-1], session)
            assert prompts(provider.requests[-1].json) == said[session]


async def test_a_turn_that_is_cut_at_the_output_limit_moves_with_its_text(
    fleet: Fleet, provider: SimulatedProvider
) -> None:
    fleet.options = {"cuts_at_limit": True}
    async with fleet.members(2) as (home, other):
        session = (await home.ask("0")).session
        provider.script(Says("The answer that was cut", stop="max_tokens"))
        assert (await home.ask("1", session)).text == "The answer that was cut"
        await other.ask("2", session)
        asked = provider.requests[-1].json
        assert [it for it in prompts(asked) if len(it) == 1] == ["0", "1", "2"]
        assert "The answer that was cut" in str(asked["messages"])


def prompts(body: Any) -> list[str]:
    """Returns what the user said, without what the CLI adds."""
    texts = []
    for message in body["messages"]:
        if message["role"] == "user":
            content = message["content"]
            parts = [{"text": content}] if isinstance(content, str) else content
            texts += [it["text"] for it in parts if "<system-reminder>" not in it.get("text", "<")]
    return texts
