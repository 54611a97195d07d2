"""Runs turns: each within its time, and with cleanup behind its answer."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.turns.parked_turns import ParkedTurns
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.states import TurnEvent
from modegate.adapters.claude_cli.turns.turn import TurnRun
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.session import Session, SessionId
from modegate.domain.tools.tool_results import match_results
from modegate.domain.turn import Turn


class TurnRunner:
    """Runs turns on slots, and settles them in the background once their answer has ended."""

    def __init__(self, resources: TurnResources) -> None:
        self._resources = resources
        self._settling: dict[SessionId, asyncio.Task[None]] = {}
        options = resources.options
        self.parked = ParkedTurns(options.parked_turns, options.parked_patience, self._end_parked)
        self._is_draining = False

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
        self.parked.reconfigure(options.parked_turns, options.parked_patience)

    def drain(self) -> None:
        """Ends the parked turns, and parks no more."""
        self._is_draining = True
        self.parked.clear()

    async def end_session(self, session_id: SessionId) -> None:
        """Ends the session's parked turn, and waits until no turn of it is being settled."""
        self.parked.evict(session_id)
        await self.settled(session_id)

    @asynccontextmanager
    async def run(
        self, turn: Turn, translator: Translator, tools: OfferedTools | None = None
    ) -> AsyncIterator[AsyncGenerator[AnswerEvent, None]]:
        """Runs one turn and yields its events; leaving the context ends the turn, or parks it.

        Raises:
            InvalidRequestError: the results are not those that the session's parked turn awaits.
            GatewayError: the turn cannot begin, or failed.
        """
        run = self._parked_run(turn, translator, tools)
        if run is None:
            run = TurnRun(turn, translator, self._resources, tools)
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
            if not run.is_parked:
                await self._settle_if(run, has_ended=run.advance(TurnEvent.ERROR))
            raise
        finally:
            is_stored_late = run.is_stored_late
            await self._settle_if(run, has_ended=run.leave())
            if is_stored_late:  # the session stays held until other gateways can go on from there
                await run_shielded(self.settled(turn.session.id))
            if run.is_parked:
                self._park(run)

    def _parked_run(
        self, turn: Turn, translator: Translator, tools: OfferedTools | None
    ) -> TurnRun | None:
        """Returns the session's parked turn, now with `turn` as its next part; None if none fits.

        Raises:
            InvalidRequestError: the results are not those that the parked turn awaits.
        """
        session_id = turn.session.id
        parked = self.parked.get(session_id)
        if parked is None or self.end_if_moved(session_id, turn.session):
            return None
        if turn.prompt.results:
            results = match_results(turn.prompt.results, parked.translator.calls)
            turn = replace(turn, prompt=turn.prompt.with_results(results))
        if not (parked.serves(turn, tools) and parked.relocks()):
            self.parked.evict(session_id)
            return None
        self.parked.take(session_id)
        parked.go_on_with(turn, translator)
        return parked

    def end_if_moved(self, session_id: SessionId, session: Session | None) -> bool:
        """Ends the parked turn of a session that has gone on elsewhere, or is no more.

        The process is killed, so that it writes no stale state. Returns whether there was one.
        """
        parked = self.parked.get(session_id)
        if parked is None or (session is not None and parked.is_last_of(session)):
            return False
        parked.process.child.kill()
        self.parked.evict(session_id)
        return True

    def _park(self, run: TurnRun) -> None:
        if self._is_draining:
            self._end_parked(run)
        else:
            self.parked.keep(run)

    def _end_parked(self, run: TurnRun) -> None:
        if run.end_parked():
            self._settle_soon(run)

    async def _begin(self, run: TurnRun, ends_at: float) -> None:
        """Acquires a slot and sends the prompt; every wait counts towards the turn's timeout."""
        try:
            async with asyncio.timeout_at(ends_at):
                await self.settled(run.turn.session.id)
                await (run.go_on() if run.is_parked else run.begin())
        except TimeoutError:
            if not run.is_parked:
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
