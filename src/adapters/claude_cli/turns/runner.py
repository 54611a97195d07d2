"""Runs turns: each within its time, and with cleanup behind its answer."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.states import TurnEvent
from modegate.adapters.claude_cli.turns.turn import TurnRun
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.session import SessionId
from modegate.domain.turn import Turn


class TurnRunner:
    """Runs turns on slots, and settles them in the background once their answer has ended."""

    def __init__(self, resources: TurnResources) -> None:
        self._resources = resources
        self._settling: dict[SessionId, asyncio.Task[None]] = {}

    @property
    def settling(self) -> set[asyncio.Task[None]]:
        """The tasks that settle turns which have ended."""
        return {*self._settling.values()}

    async def settled(self, session_id: SessionId) -> None:
        """Waits until no turn of the session is being settled."""
        if previous := self._settling.get(session_id):
            await asyncio.wait({previous})

    def reconfigure(self, options: ClaudeOptions) -> None:
        """Runs later turns with other options."""
        self._resources = replace(self._resources, options=options)

    @asynccontextmanager
    async def run(
        self, turn: Turn, translator: Translator
    ) -> AsyncIterator[AsyncGenerator[AnswerEvent, None]]:
        """Runs one turn and yields its events; leaving the context ends the turn.

        Raises:
            GatewayError: the turn cannot begin, or failed.
        """
        run = TurnRun(turn, translator, self._resources)
        ends_at = asyncio.get_running_loop().time() + run.timeout
        try:
            await self._begin(run, ends_at)
            deadline = asyncio.get_running_loop().call_at(ends_at, self._expire, run)
            try:
                async with aclosing(run.chunks()) as chunks:
                    yield chunks
            finally:
                deadline.cancel()
        except Exception:
            await self._settle_if(run, has_ended=run.advance(TurnEvent.ERROR))
            raise
        finally:
            is_stored_late = run.is_stored_late
            await self._settle_if(run, has_ended=run.leave())
            if is_stored_late:  # the session stays held until other gateways can go on from there
                await run_shielded(self.settled(turn.session.id))

    async def _begin(self, run: TurnRun, ends_at: float) -> None:
        """Acquires a slot and sends the prompt; every wait counts towards the turn's timeout."""
        try:
            async with asyncio.timeout_at(ends_at):
                await self.settled(run.turn.session.id)
                await run.begin()
        except TimeoutError:
            await self._settle_if(run, has_ended=run.advance(TurnEvent.DEADLINE))
            raise claude_code.too_slow(run.timeout) from None

    def _expire(self, run: TurnRun) -> None:
        if run.expire():
            self._settle_soon(run)

    async def _settle_if(self, run: TurnRun, *, has_ended: bool) -> None:
        """Settles a turn that has just ended; its process is settled in the background."""
        if has_ended and run.has_process:
            self._settle_soon(run)
        elif has_ended:
            await run_shielded(run.settle())

    def _settle_soon(self, run: TurnRun) -> None:
        session_id = run.turn.session.id
        task = asyncio.create_task(run.settle())
        self._settling[session_id] = task
        task.add_done_callback(lambda _: self._settling.pop(session_id))
