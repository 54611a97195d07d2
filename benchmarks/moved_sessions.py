"""Measures the first text of a moved session: `python -m benchmarks.moved_sessions [--rounds N]`.

Two gateways' backends with state folders of their own share stored transcripts; both use the real CLI
with a simulated model without delay. In each round every gateway takes two turns of one session:
the first was moved from the other gateway, the second is resumed at home. Neither has a living process. The
figures are medians over the rounds, in milliseconds; a ratio is the median of the ratios per round.
"""

import argparse
import os
import statistics
import tempfile
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.objects.folder import FolderObjects
from modegate.adapters.objects.transcript_archive import ObjectTranscriptArchive
from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.options import RedisOptions
from modegate.adapters.redis.transcript_archive import RedisTranscriptArchive
from modegate.application.ports.transcript_archive import TranscriptArchive
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.answer.events import Finished, TextDelta
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import Turn
from modegate.simulator.provider import SimulatedProvider

KEEP_S = 3600.0


@dataclass
class Times:
    """Milliseconds until the first text, and from the last text to the end of the answer."""

    first: float
    end: float


class Conversation:
    """One session, whose record is in memory."""

    def __init__(self) -> None:
        self._session = Session.start(SessionId(str(uuid.uuid4())), ANONYMOUS.id, time.time())

    async def ask(self, backend: ClaudeBackend) -> Times:
        """Has the next turn at a gateway."""

        async def stored(cli_session_id: str | None, transcript: str | None, _: str = "") -> bool:
            if transcript is None:
                raise RuntimeError("the turn was not stored")
            self._session = self._session.acknowledged(time.time(), cli_session_id, transcript)
            return True

        turn = Turn(
            cli_model="sonnet",
            prompt=Prompt.of_text("What is a gateway?"),
            session=self._session,
            resume=self._session.turns > 0,
            streamed=True,
            on_stored=stored,
        )
        begun = time.perf_counter()
        first = last = end = 0.0
        async with backend.generate(turn) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    last = time.perf_counter()
                    first = first or last
                elif isinstance(event, Finished):
                    end = time.perf_counter()
        return Times((first - begun) * 1000, (end - last) * 1000)


async def measure(archive: TranscriptArchive, rounds: int, earlier: int) -> None:
    """Prints the medians."""
    provider = SimulatedProvider()
    async with provider.running() as url:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            options = ClaudeOptions(
                state=folder,
                environment={
                    "PATH": os.environ["PATH"],
                    "HOME": name,
                    "ANTHROPIC_API_KEY": "sk-ant-test",
                    "ANTHROPIC_BASE_URL": url,
                },
                oneshot=True,
            )
            gateways = [
                ClaudeBackend(replace(options, state=folder / it), archive) for it in ("one", "two")
            ]
            conversation = Conversation()
            for _ in range(earlier):
                await conversation.ask(gateways[1])
            home, moved = [], []
            for number in range(2 * rounds):
                gateway = gateways[number % 2]
                moved.append(await conversation.ask(gateway))
                home.append(await conversation.ask(gateway))
            for gateway in gateways:
                await gateway.aclose()
    ratios = [there.first / here.first for there, here in zip(moved, home, strict=True)]
    ends = [it.end for it in (*home, *moved)]
    print(
        f"| {earlier} | {statistics.median(it.first for it in home):.0f} "
        f"| {statistics.median(it.first for it in moved):.0f} "
        f"| {statistics.median(ratios):.2f} | {statistics.median(ends):.0f} |"
    )


async def main() -> None:
    """Reads the arguments, and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--redis", help="the address of a store; without it, a folder")
    chosen = parser.parse_args()
    print("| earlier turns | home ms | moved ms | ratio | last text to end ms |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        connection = RedisConnection(RedisOptions(chosen.redis)) if chosen.redis else None
        archive: TranscriptArchive = ObjectTranscriptArchive(FolderObjects(Path(folder)))
        if connection is not None:
            archive = RedisTranscriptArchive(connection, KEEP_S)
        for earlier in (1, 20):
            await measure(archive, chosen.rounds, earlier)
        if connection is not None:
            await connection.aclose()


if __name__ == "__main__":
    uvloop.run(main())
