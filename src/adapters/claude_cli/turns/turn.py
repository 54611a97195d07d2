"""The execution of one turn on its process."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from pathlib import Path

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.pool.process_pool import ProcessPool
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.disk_space import DOUBTFUL_BYTES, room_for
from modegate.adapters.claude_cli.process.session_directory import SessionDirectories
from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.process.stderr_redaction import redact_stderr
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.turn import Turn

# Seconds for a process to exit by itself, and then after SIGTERM. Its answer is complete, and the
# next request may be waiting for its slot.
EXIT_GRACE_S = 1.0
# Seconds of thinking before the first block until the stream starts without it. A failing API fails
# sooner, and then the response can still carry an error status.
THINKING_S = 2.0

log = logging.getLogger(__name__)


class TurnRun:
    """The lifecycle of one turn on a process."""

    def __init__(
        self,
        turn: Turn,
        translator: Translator,
        options: ClaudeOptions,
        processes: ProcessPool,
        workspace: SessionDirectories,
    ) -> None:
        self.turn = turn
        self.translator = translator
        self.failed = False
        self.settling = False
        self._options = options
        self._processes = processes
        self._workspace = workspace
        self._process: CliProcess | None = None
        # Sizes of the transcripts before the turn; None until the prompt is sent.
        self._mark: Mapping[Path, int] | None = None
        self._first_word = ExitStack()
        self._heard = False
        self._expired = False
        self._changing = asyncio.Lock()
        self._made_folder = False

    @property
    def process(self) -> CliProcess:
        """The turn's process.

        Raises:
            RuntimeError: the turn has not begun.
        """
        if self._process is None:
            raise RuntimeError("the turn has not begun")
        return self._process

    @property
    def _is_undone(self) -> bool:
        """Whether the turn is removed from the conversation.

        After a refusal a model also refuses what follows (Anthropic's documentation of the stop
        reason `refusal`). So a refused turn is rolled back. A first turn is kept, because without
        it there is no session.
        """
        return self.translator.refused and self.turn.resume

    @property
    def begun(self) -> bool:
        """Whether the turn has a process, which `settle` must release."""
        return self._process is not None

    async def begin(self) -> None:
        """Acquires a process and sends the prompt.

        Cancellation is immediate, except during a disk write or a spawn.

        Raises:
            BackendUnavailableError: no process can be started.
            StorageError: the disk has no space for the turn, or the folder cannot be used.
            SessionBusyError: another gateway uses the session.
        """
        self._first_word.enter_context(self._processes.prioritise())
        try:
            await self._processes.launcher.ready()
            await run_shielded(self._reserve())
            self._process = await self._processes.acquire(self.turn)
            await run_shielded(self._begin())
        except BaseException:
            self._first_word.close()
            if self._process is None and self._made_folder:
                await run_shielded(self._workspace.discard(self.turn.session.id))
            raise

    async def chunks(self) -> AsyncGenerator[AnswerEvent, None]:
        """Yields the chunks of the answer.

        Raises:
            GatewayError: the turn failed.
        """
        patience = self._options.first_event_timeout
        try:
            while not self.translator.finished:
                if self.translator.is_thinking and not await self.process.child.speaks(THINKING_S):
                    for chunk in self.translator.start():
                        yield chunk
                async with asyncio.timeout(patience):
                    events = await self._events()
                if events:
                    patience = self._options.silence_timeout
                    self._first_word.close()
                for event in events:
                    for chunk in self.translator.feed(event):
                        yield chunk
                if error := self.process.plain_error:
                    raise error
        except TimeoutError:
            for chunk in self.translator.give_up(claude_code.too_silent()):
                yield chunk
        finally:
            self._log_stderr()

    def expire(self) -> None:
        """Ends the turn at its timeout, even if the client has disconnected."""
        self._expired = True
        self.process.child.expire(claude_code.too_slow(self._options.turn_timeout))

    async def settle(self) -> None:
        """Returns the process to the pool or ends it, and releases the session's folder."""
        self._first_word.close()
        try:
            async with self._changing:
                await self._settle()
        except BaseException:  # all tasks are cancelled when the event loop ends
            self.process.child.kill()
            self.process.release_lock()
            raise

    async def _settle(self) -> None:
        process = self.process
        if self.translator.finished:
            await self._workspace.keep_config_template(process.place.folder)
            self._processes.note_use(process)
        doubtful = await self._workspace.is_doubtful(process.place.folder, DOUBTFUL_BYTES)
        if not doubtful and await self._stays():
            self._processes.return_(process)
            return
        try:
            if self.translator.completed:  # at EOF on its input the process exits by itself
                process.child.write(b"", last=True)
                await process.child.ended(EXIT_GRACE_S)
            patience = EXIT_GRACE_S if self.translator.finished else self._options.grace
            await self._processes.launcher.stop(process, patience)
            await self._clear_up()
            if doubtful and self.translator.finished:
                await self._check_kept()
        finally:
            process.release_lock()

    async def _reserve(self) -> None:
        session = self.turn.session.id
        size = room_for(self.turn.prompt.system + self.turn.prompt.text)
        self._made_folder = await self._workspace.reserve(session, size)

    async def _begin(self) -> None:
        if self._process is None:
            self._process = await self._processes.start(self.turn)
        await self._ask()

    async def _ask(self) -> None:
        process = self.process
        self._mark = await self._workspace.mark(process.place.folder)
        process.ask(self.turn.prompt, last=not self._processes.keeps(process))

    async def _events(self) -> list[Event]:
        try:
            events = await self.process.events()
        except GatewayError:
            if self._heard or not self.process.was_idle or self.process.alive:
                raise
            # It exited while idle, or when it got the prompt: no request has reached the model yet.
            log.warning("idle claude process exited before its turn: starting another")
            await run_shielded(self._begin_again())
            return []
        self._heard = self._heard or any(it.get("type") != "control_response" for it in events)
        return list(events)

    async def _begin_again(self) -> None:
        async with self._changing:
            await self._processes.launcher.stop(self.process)
            await self._roll_back()
            self.process.release_lock()
            self._process = await self._processes.start(self.turn)
            await self._ask()
            if self._expired:
                self.expire()

    async def _stays(self) -> bool:
        process = self.process
        if process.child.expired or not process.alive or not self._processes.keeps(process):
            return False
        if not process.begun:  # late events of this turn would look like the next turn's
            return False
        if self._is_undone:
            return False
        if self.translator.completed and self.translator.finished:
            return True
        if self.failed or not (self.turn.resume or self.translator.counts):
            return False
        # If the answer ended before the CLI's turn, the conversation keeps the text so far.
        return await process.undo_turn(forget=self.turn.resume and not self.translator.finished)

    async def _clear_up(self) -> None:
        """Restores the session's state from before a failed or undone turn."""
        if self.translator.finished and not self._is_undone:
            return
        if self.turn.resume:
            await self._roll_back()
        elif not self.translator.counts:  # no client knows the session's id
            await self._workspace.discard(self.turn.session.id)

    async def _check_kept(self) -> None:
        """Rolls the turn back if the transcript holds only part of it, and logs the loss."""
        folder = self.process.place.folder
        if self._mark is None or await self._workspace.holds_turn(folder, self._mark):
            return
        log.error(
            "storage lost the last turn of session %s, whose answer was sent: rolling it back",
            self.turn.session.id,
        )
        await self._roll_back()

    async def _roll_back(self) -> None:
        if self._mark is not None:
            await self._workspace.roll_back(self.process.place.folder, self._mark)

    def _log_stderr(self) -> None:
        if not self.process.child.stderr:
            return
        said = self.turn.prompt
        conversation = f"{said.system}\n{said.text}\n{self.translator.answer.text}"
        environment = self._processes.launcher.environment
        if words := redact_stderr(self.process.child.stderr, environment, conversation):
            log.warning("claude wrote to stderr: %s", words)
