"""The execution of one turn on its process."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.process.stderr_redaction import redact_stderr
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.turns.lifecycle import TurnLifecycle
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.settlement import Settlement
from modegate.adapters.claude_cli.turns.states import ENDS, TurnEvent, TurnState
from modegate.adapters.claude_cli.turns.turn_process import TurnProcess
from modegate.domain.answer.events import AnswerEvent, Started
from modegate.domain.errors import GatewayError, SessionBusyError
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.session import Session
from modegate.domain.turn import Turn

# Seconds of thinking before the first block until the stream starts without it. A failing API fails
# sooner, and then the response can still carry an error status.
THINKING_S = 2.0
# Events that come before a request reaches the model (2.1.329).
BEFORE_BEGIN = frozenset({"control_response", "user"})

log = logging.getLogger(__name__)


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
        self._options = resources.options
        self._slots = resources.slots
        self._processes = resources.processes
        self._environment = resources.processes.launcher.environment
        self._held = TurnProcess(turn, resources, tools)
        self._settlement = Settlement(self.lifecycle, self._held, resources)
        self._until_first_event = ExitStack()
        self._changing = asyncio.Lock()  # held while the process is replaced or settled

    @property
    def timeout(self) -> float:
        """The time of the turn, in seconds."""
        return self._options.turn_timeout

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
            self._slots.release()
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
        await self._slots.acquire()
        self.advance(TurnEvent.SLOT_GRANTED)
        self._until_first_event.enter_context(self._processes.prioritise())
        await self._processes.launcher.ready()
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
        await self._slots.acquire()
        self.advance(TurnEvent.RESULTS_RECEIVED)
        await run_shielded(self._held.answer())

    async def chunks(self) -> AsyncGenerator[AnswerEvent, None]:
        """Yields the chunks of the answer.

        Raises:
            GatewayError: the turn failed.
        """
        patience = self._options.first_event_timeout
        try:
            while not self.translator.finished:
                if self.translator.awaits_first_block and not await self._speaks():
                    for chunk in self._in_time(self.translator.start()):
                        yield chunk
                # A model that reasons may say nothing until the turn's timeout.
                async with asyncio.timeout(None if self.translator.is_reasoning else patience):
                    events = await self._events()
                if events:
                    patience = self._options.silence_timeout
                    self._until_first_event.close()
                for event in events:
                    for chunk in self._in_time(self.translator.feed(event)):
                        await self._keep_if_answered()
                        yield chunk
                if error := self._held.current.plain_error:
                    raise error
        except TimeoutError:
            for chunk in self._in_time(self.translator.give_up(claude_code.too_silent())):
                await self._keep_if_answered()
                yield chunk
        finally:
            self._log_stderr()

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
            self._expire_process()
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
            async with self._changing:
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

    def _in_time(self, chunks: Iterator[AnswerEvent]) -> Iterator[AnswerEvent]:
        """Yields chunks until the deadline; the first one names the settings that had no effect.

        An answer that was unfinished then stays so, even if a slow reader goes on: its turn is
        being removed from the conversation.
        """
        for chunk in chunks:
            if isinstance(chunk, Started):
                yield replace(chunk, ignored=self._held.current.input.settings.ignored)
            else:
                yield chunk
            if self.lifecycle.end is TurnState.EXPIRED and not self.translator.finished:
                raise self._too_slow()

    async def _keep_if_answered(self) -> None:
        """Makes the turn final before the last chunk is handed on.

        From then on a client may have the whole answer, so a kill must not undo the turn.
        """
        if not self.translator.finished:
            return
        if self.turn.resume and self.translator.status.refused:
            await run_shielded(self._held.transcript.leave_out())
        else:
            await run_shielded(self._keep())

    async def _keep(self) -> None:
        if self._held.transcript.must_be_stored:
            async with self._changing:
                await self._settlement.store(self.translator.status, self.translator.cli_session_id)
        await self._held.keep()

    async def _speaks(self) -> bool:
        return await self._held.current.child.output.speaks(THINKING_S)

    async def _events(self) -> list[Event]:
        process = self._held.current
        try:
            events = await process.events()
        except GatewayError:
            is_starting = self.lifecycle.state is TurnState.STARTING
            if not is_starting or not process.was_idle or process.alive:
                raise
            # It exited while idle, or when it got the prompt: no request has reached the model yet.
            # One that waited for results is replaced from the transcript.
            log.warning("idle claude process exited before its turn: starting another")
            self.advance(TurnEvent.PROCESS_REPLACED)
            await run_shielded(self._replace())
            return []
        if self.lifecycle.state is TurnState.STARTING and _has_begun(events):
            self.advance(TurnEvent.FIRST_EVENT)
        return list(events)

    async def _replace(self) -> None:
        async with self._changing:
            await self._held.replace()
            if self.lifecycle.state is TurnState.EXPIRED:
                self._expire_process()

    def _expire_process(self) -> None:
        self._held.current.child.output.fail(self._too_slow())

    def _too_slow(self) -> GatewayError:
        return claude_code.too_slow(self._options.turn_timeout)

    def _log_stderr(self) -> None:
        stderr = self._held.current.child.output.stderr
        if not stderr:
            return
        said = self.turn.prompt
        conversation = f"{said.system}\n{said.text}\n{self.translator.answer.text}"
        # A reload may have replaced the values that the process has, also before its start.
        stderr = redact_stderr(stderr, self._environment, conversation)
        if words := redact_stderr(stderr, self._processes.launcher.environment, conversation):
            log.warning("claude wrote to stderr: %s", words)


def _has_begun(events: list[dict[str, object]]) -> bool:
    """Returns whether the CLI has begun the turn.

    Before, it confirms its configuration, and repeats the results that a parked turn got.
    """
    return any(event.get("type") not in BEFORE_BEGIN for event in events)
