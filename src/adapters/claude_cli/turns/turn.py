"""The execution of one turn on its process."""

from collections.abc import AsyncGenerator
from contextlib import ExitStack, suppress

from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.turns.lifecycle import TurnLifecycle
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.settlement import Settlement
from modegate.adapters.claude_cli.turns.states import ENDS, TurnEvent, TurnState
from modegate.adapters.claude_cli.turns.turn_answer import TurnAnswer
from modegate.adapters.claude_cli.turns.turn_events import TurnEvents
from modegate.adapters.claude_cli.turns.turn_process import TurnProcess
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.errors import SessionBusyError
from modegate.domain.session import Session
from modegate.domain.turn import Turn


class TurnRun:
    """Carries out one turn; its lifecycle decides, and holds the slot."""

    def __init__(
        self,
        turn: Turn,
        translator: Translator,
        resources: TurnResources,
        tools: OfferedTools | None = None,
    ) -> None:
        self.turn = turn
        self.translator = translator
        self.lifecycle = TurnLifecycle()
        self._resources = resources
        self._environment = resources.processes.launcher.environment
        self._held = TurnProcess(turn, resources, tools)
        self._settlement = Settlement(self.lifecycle, self._held, resources)
        self._until_first_event = ExitStack()
        self._events = TurnEvents(self.lifecycle, self._held, self.timeout)

    @property
    def timeout(self) -> float:
        """The time of the turn, in seconds."""
        return self._resources.options.turn_timeout

    @property
    def has_process(self) -> bool:
        """Whether the turn has a process, which `settle` must release."""
        return self._held.exists

    @property
    def process(self) -> CliProcess:
        """The turn's process.

        Raises:
            RuntimeError: the turn has no process.
        """
        return self._held.current

    @property
    def is_parked(self) -> bool:
        """Whether the turn waits for the results of a client's tools."""
        return self.lifecycle.state is TurnState.PARKED

    def serves(self, turn: Turn, tools: OfferedTools | None) -> bool:
        """Returns whether the parked turn can go on with `turn`: same model, prompt and tools."""
        return self._held.serves(turn, tools)

    def is_last_of(self, session: Session) -> bool:
        """Returns whether the session, as its record is now, has not gone on at another gateway."""
        return self._held.transcript.is_last_of(session)

    def relocks(self) -> bool:
        """Locks the session's folder again; returns False if another gateway has gone on.

        Raises:
            SessionBusyError: another gateway is using the session.
        """
        try:
            return self.process.relock()
        except OSError:  # the folder is gone
            return False

    def go_on_with(self, turn: Turn, translator: Translator) -> None:
        """Makes `turn` the next part of this parked one; nothing is sent before `go_on`."""
        self._held.go_on_with(turn, [it.id for it in self.translator.calls])
        translator.go_on()
        self.turn, self.translator = turn, translator

    @property
    def is_stored_late(self) -> bool:
        """Whether `settle` stores the turn: a first one that a client left, and whose session it knows."""
        return (
            self.has_process
            and self._held.transcript.must_be_stored
            and not self.turn.resume
            and self.translator.status.known
        )

    def advance(self, event: TurnEvent) -> bool:
        """Changes the state, and releases the slot if the new state holds none.

        Returns whether this event ended the turn; the caller must then `settle` it.
        """
        held = self.lifecycle.holds_slot
        has_ended = self.lifecycle.transition(event)
        if held and not self.lifecycle.holds_slot:
            self._resources.slots.release()
        return has_ended

    async def begin(self) -> None:
        """Acquires a slot and a process, and sends the prompt.

        Cancellation is immediate, except during a disk write or a spawn.

        Raises:
            CapacityError: no slot became free in time.
            ShuttingDownError: the gateway is draining.
            BackendUnavailableError: no process can be started.
            StorageError: the disk has no space for the turn, or the folder cannot be used.
            SessionBusyError: another gateway uses the session.
            SessionNotFoundError: the session's conversation is neither here nor stored.
        """
        await self._resources.slots.acquire()
        self.advance(TurnEvent.SLOT_GRANTED)
        processes = self._resources.processes
        self._until_first_event.enter_context(processes.prioritise())
        await processes.launcher.ready()
        await run_shielded(self._held.reserve())
        await self._held.fetch()
        await self._held.acquire()
        await run_shielded(self._held.ask())

    async def go_on(self) -> None:
        """Acquires a slot, and sends the results that the parked turn waits for.

        Raises:
            CapacityError: no slot became free in time; the turn stays parked.
            ShuttingDownError: the gateway is draining; the turn stays parked.
            StorageError: the session's folder cannot be used.
        """
        await self._resources.slots.acquire()
        self.advance(TurnEvent.RESULTS_RECEIVED)
        await run_shielded(self._held.answer())

    def chunks(self) -> AsyncGenerator[AnswerEvent, None]:
        """Yields the chunks of the answer; raises as `TurnAnswer.chunks`."""
        return TurnAnswer(
            self._held,
            self._events,
            self.translator,
            self._settlement,
            self._resources.options,
            self._until_first_event.close,
            # A reload may have replaced the values that the process has, also before its start.
            lambda: (self._environment, self._resources.processes.launcher.environment),
        ).chunks()

    def leave(self) -> bool:
        """Ends or parks the turn as its context is left; returns as `advance`."""
        if self.is_parked:
            return False
        is_running = self.lifecycle.state is TurnState.RUNNING
        if is_running and self.translator.awaits_results and self.process.alive:
            self.process.release_lock()  # another gateway can go on from the transcript
            return self.advance(TurnEvent.FUNCTIONS_CALLED)
        is_over = self.translator.finished
        return self.advance(TurnEvent.ANSWER_ENDED if is_over else TurnEvent.DISCONNECT)

    def expire(self) -> bool:
        """Ends the turn at its timeout, even if the client reads nothing; returns as `advance`."""
        has_ended = self.advance(TurnEvent.DEADLINE)
        if has_ended:
            self._events.expire()
        return has_ended

    def end_parked(self) -> bool:
        """Ends the parked turn, whose calls stay in the conversation; returns as `advance`.

        If another gateway has gone on, the process is killed, so that it writes no stale state.
        """
        with suppress(SessionBusyError, OSError):
            if self.process.relock():
                return self.advance(TurnEvent.DEADLINE)
        self.process.child.kill()
        return self.advance(TurnEvent.DEADLINE)

    async def settle(self) -> None:
        """Returns the process to the pool or ends it, and releases the session's folder."""
        self._until_first_event.close()
        try:
            event = await self._settlement.carry_out(
                self.translator.status, self.translator.cli_session_id
            )
            self.advance(event)
        except BaseException:  # all tasks are cancelled when the event loop ends
            if self._held.exists:
                self._held.current.child.kill()
                self._held.current.release_lock()
            if self.lifecycle.state in ENDS:
                self.advance(TurnEvent.PROCESS_STOPPED)
            raise
