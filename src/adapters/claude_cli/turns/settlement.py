"""Carries out what the end of a turn does to its process and its conversation."""

import logging
from dataclasses import replace

from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.protocol.answer_status import AnswerStatus
from modegate.adapters.claude_cli.turns.disposition import (
    RETURNS_PROCESS,
    Disposition,
    TurnFacts,
)
from modegate.adapters.claude_cli.turns.lifecycle import TurnLifecycle
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.states import TurnEvent
from modegate.adapters.claude_cli.turns.turn_process import TurnProcess

# Seconds for a process to exit by itself, and then after SIGTERM. Its answer is complete, and the
# next request may be waiting for its slot.
EXIT_GRACE_S = 1.0

# After these a stopped process leaves its turn in the transcript.
KEEPS_TURN = frozenset({Disposition.INTERRUPT_AND_STOP, Disposition.STOP})

log = logging.getLogger(__name__)


class Settlement:
    """Returns the process of an ended turn to the pool, or stops it, as the lifecycle decides."""

    def __init__(
        self, lifecycle: TurnLifecycle, held: TurnProcess, resources: TurnResources
    ) -> None:
        self._lifecycle = lifecycle
        self._held = held
        self._processes = resources.processes
        self._workspace = resources.workspace
        self._grace = resources.options.grace

    async def store(
        self, answer: AnswerStatus, cli_session_id: str | None, *, with_answer: bool = True
    ) -> None:
        """Stores the turn for other gateways; ends the CLI's own turn first, if that still runs."""
        if not self._held.transcript.must_be_stored:
            return
        process = self._held.current
        if not (answer.cli_ended or answer.awaits_results) and self._is_interruptible():
            self._held.interrupted = await process.undo_turn(forget=False)
        await self._held.transcript.store(
            process.place.folder,
            cli_session_id or process.launch.cli_session_id,
            with_answer=with_answer and not self._held.interrupted,
        )

    async def keep(self, answer: AnswerStatus, cli_session_id: str | None) -> None:
        """Makes an answered turn final, even if the caller is cancelled or the gateway killed."""
        if self._held.turn.resume and answer.refused:
            await run_shielded(self._held.transcript.leave_out())
        else:
            await run_shielded(self._keep(answer, cli_session_id))

    async def _keep(self, answer: AnswerStatus, cli_session_id: str | None) -> None:
        if self._held.transcript.must_be_stored:
            async with self._held.changing:
                await self.store(answer, cli_session_id)
        await self._held.keep()

    async def carry_out(self, answer: AnswerStatus, cli_session_id: str | None = None) -> TurnEvent:
        """Settles the turn, releases the session's folder, and returns how the process ended."""
        async with self._held.changing:
            return await self._carry_out(answer, cli_session_id)

    async def _carry_out(self, answer: AnswerStatus, cli_session_id: str | None) -> TurnEvent:
        if answer.answered:
            await self._workspace.keep_config_template(self._held.current.place.folder)
            self._processes.note_use(self._held.current.launch.cli_model)
        facts = await self._facts(answer)
        disposition = self._lifecycle.disposition(facts)
        if disposition in RETURNS_PROCESS:
            if await self._is_ready(disposition):
                # The mark of an undone turn stays: its process may not have stored the undo yet.
                if disposition is not Disposition.UNDO:
                    await self._store_kept(answer, cli_session_id)
                    await self._held.keep()
                self._processes.return_(self._held.current)
                return TurnEvent.PROCESS_RETURNED
            disposition = self._lifecycle.disposition(
                replace(facts, reusable=False, interruptible=False)
            )
        await self._end(disposition, answer, cli_session_id)
        return TurnEvent.PROCESS_STOPPED

    async def _facts(self, answer: AnswerStatus) -> TurnFacts:
        doubtful = self._held.exists and await self._held.is_doubtful()
        interruptible = self._held.exists and self._is_interruptible()
        return TurnFacts(
            has_process=self._held.exists,
            owns_folder=self._held.owns_folder,
            reusable=interruptible
            and self._processes.keeps(self._held.current)
            # The CLI could only undo all of a turn, with the calls that the client knows.
            and (answer.answered or not self._held.goes_on),
            interruptible=interruptible,
            doubtful=doubtful,
            resumed=self._held.turn.resume,
            answered=answer.answered,
            known=answer.known,
            cli_ended=answer.cli_ended or self._held.interrupted,
            refused=answer.refused,
        )

    def _is_interruptible(self) -> bool:
        """Whether the process takes messages after its prompt.

        It must have confirmed this turn. Late events of it would else look like the next turn's.
        """
        process = self._held.current
        return (
            process.alive and process.input.turn_confirmed and process.place.supports_multiple_turns
        )

    async def _is_ready(self, disposition: Disposition) -> bool:
        """Prepares the process for its next turn; returns False if it did not confirm that."""
        if disposition is Disposition.KEEP:
            return True
        return await self._held.current.undo_turn(forget=disposition is Disposition.UNDO)

    async def _store_kept(self, answer: AnswerStatus, cli_session_id: str | None) -> None:
        """Stores a first turn that was not answered to its end, as far as its client knows it."""
        if answer.known and not self._held.turn.resume:
            await self.store(
                replace(answer, cli_ended=True), cli_session_id, with_answer=answer.answered
            )

    async def _end(
        self, disposition: Disposition, answer: AnswerStatus, cli_session_id: str | None
    ) -> None:
        if not self._held.exists:
            await self._restore(disposition)
            return
        process = self._held.current
        try:
            cli_ended = (
                answer.cli_ended
                or self._held.interrupted
                or (
                    disposition is Disposition.INTERRUPT_AND_STOP
                    and await process.undo_turn(forget=False)
                )
            )
            if cli_ended:  # at EOF on its input the process exits by itself
                process.child.write(b"", last=True)
                await process.child.ended(EXIT_GRACE_S)
            await self._processes.launcher.stop(
                process, EXIT_GRACE_S if answer.answered else self._grace
            )
            await self._restore(disposition)
            if disposition in KEEPS_TURN:
                await self._store_kept(answer, cli_session_id)
        finally:
            process.release_lock()

    async def _restore(self, disposition: Disposition) -> None:
        """Restores the conversation of a process that has ended."""
        match disposition:
            case Disposition.DISCARD_FOLDER:
                await self._held.discard_folder()
            case Disposition.CUT_TRANSCRIPT:
                await self._held.roll_back()
            case Disposition.VERIFY if await self._held.lacks_turn():
                log.error(
                    "storage lost the last turn of session %s, whose answer was sent: "
                    "rolling it back",
                    self._held.turn.session.id,
                )
                await self._held.roll_back()
            case _:
                await self._held.keep()
