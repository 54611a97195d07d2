"""The process of one turn, and the transcript's length before it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from modegate.adapters.claude_cli.command.replay import replay_of
from modegate.adapters.claude_cli.content import fits_mcp
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.protocol.turn_settings import TurnSettings
from modegate.adapters.claude_cli.session_folder import transcript_rollback
from modegate.adapters.claude_cli.session_folder.disk_space import DOUBTFUL_BYTES, room_for
from modegate.adapters.claude_cli.structured.cli_schema import schema_of
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.transcript_fetch import TranscriptFetch
from modegate.adapters.claude_cli.turns.transcript_storage import TranscriptStorage
from modegate.domain.turn import Turn


class TurnProcess:
    """Acquires a turn's process, replaces it, and restores its conversation.

    `owns_folder` is whether the session's folder exists only for this turn. `interrupted` is whether
    the CLI's turn was ended so that it is stored. `changing` is held while the process is replaced or
    settled.
    """

    def __init__(
        self, turn: Turn, resources: TurnResources, tools: OfferedTools | None = None
    ) -> None:
        self.turn = turn
        self._tools = tools
        self._resources = resources
        # The ids of the calls whose results the turn goes on with.
        self._call_ids = tuple(str(it.call_id) for it in turn.prompt.results if turn.resume)
        self.owns_folder = False
        self.interrupted = False
        self.changing = asyncio.Lock()
        self.transcript = TranscriptStorage(turn, resources)
        self._fetch = TranscriptFetch(turn, resources)
        self._processes = resources.processes
        self._workspace = resources.workspace
        self._process: CliProcess | None = None
        # Sizes of the transcripts before the turn; None while there is nothing to roll back.
        self._mark: Mapping[Path, int] | None = None
        self._is_stored = False  # whether the session's folder holds the mark

    @property
    def exists(self) -> bool:
        """Whether the turn has a process, which must be settled."""
        return self._process is not None

    @property
    def current(self) -> CliProcess:
        """The turn's process.

        Raises:
            RuntimeError: the turn has no process.
        """
        if self._process is None:
            raise RuntimeError("the turn has no process")
        return self._process

    @property
    def goes_on(self) -> bool:
        """Whether the turn goes on with the results of calls that an earlier answer made."""
        return bool(self._call_ids)

    def serves(self, turn: Turn, tools: OfferedTools | None) -> bool:
        """Returns whether the process can go on with this turn, in the middle of its own."""
        process = self.current
        changes = self._processes.launcher.changes_settings
        same = process.launch.serves(turn, changes_settings=changes) and process.input.offers(tools)
        same = same and process.input.accepts(turn.prompt, tools, schema_of(turn))
        # A new process reads such results with the conversation.
        return same and all(map(fits_mcp, turn.prompt.results))

    def go_on_with(self, turn: Turn, call_ids: Sequence[str]) -> None:
        """Makes `turn` the next part of the process's turn, which waits for these calls."""
        self.turn = turn
        self.owns_folder = self.interrupted = False
        self.transcript = TranscriptStorage(turn, self._resources)
        self._call_ids = tuple(call_ids)
        self._mark, self._is_stored = None, False

    async def answer(self) -> None:
        """Sends the results that the process waits for.

        Raises:
            StorageError: the session's folder cannot be used.
        """
        await self._mark_turn()
        settings = TurnSettings.of(self.turn)
        self.current.go_on(self.turn.prompt, settings, self._call_ids)

    async def reserve(self) -> None:
        """Makes the session's folder if it is missing, and checks that the disk has space.

        Raises:
            StorageError: the disk has no space for the turn, or the folder cannot be used.
        """
        prompt = self.turn.prompt
        size = room_for(prompt.system + prompt.text, prompt.media_bytes)
        self.owns_folder = await self._workspace.reserve(self.turn.session.id, size)

    async def fetch(self) -> None:
        """Brings the session's conversation here, if it went on elsewhere.

        Raises:
            GatewayError: as `TranscriptFetch.execute`.
        """
        await self._fetch.execute()

    async def acquire(self) -> None:
        """Takes the session's idle or prewarmed process, if it can take the turn.

        Raises:
            SessionBusyError: another gateway uses the session.
        """
        self._process = await self._processes.acquire(self.turn, self._tools)
        # The folder of a prewarmed process is now the turn's.
        self.owns_folder = self.owns_folder or not self.turn.resume

    async def ask(self) -> None:
        """Sends the prompt; starts a process first if none was acquired.

        Raises:
            BackendUnavailableError: no process can be started.
            StorageError: the session's folder cannot be used.
            SessionBusyError: another gateway uses the session.
            CallsLostError: the conversation does not hold the calls of the turn's results.
        """
        if self._process is None:
            self._process = await self._processes.start(self.turn)
        await self._send()

    async def replace(self) -> None:
        """Sends the prompt to a new process, in place of one that exited before it took it.

        Results go to the calls in the transcript.

        Raises:
            GatewayError: as `ask`; the turn then keeps the old process.
        """
        await self._processes.launcher.stop(self.current)
        await self.roll_back()
        self.current.release_lock()
        self._process = await self._processes.start(self.turn)
        await self._send()

    async def is_doubtful(self) -> bool:
        """Returns whether the disk may have lost part of the transcript."""
        return await transcript_rollback.is_doubtful(self.current.place.folder, DOUBTFUL_BYTES)

    async def lacks_turn(self) -> bool:
        """Returns whether the turn's end is missing from the transcript; the process has ended."""
        if self._mark is None:
            return False
        return not await transcript_rollback.holds_turn(self.current.place.folder, self._mark)

    async def keep(self) -> None:
        """Makes the turn final, even if the gateway is killed from here on. Idempotent."""
        if self._is_stored:
            await transcript_rollback.keep(self.current.place.folder)
            self._is_stored = False

    async def roll_back(self) -> None:
        """Cuts the transcript to its length before the turn. Idempotent.

        A turn that goes on with results is cut to the calls before them.
        """
        if self.goes_on and self.exists:
            await transcript_rollback.roll_back_to_calls(self.current.place.folder, self._call_ids)
        elif self._mark is not None:
            await transcript_rollback.roll_back(self.current.place.folder, self._mark)
            # Once the lock is released, another gateway may go on with the conversation.
            self._mark = None
            self._is_stored = False

    async def discard_folder(self) -> None:
        """Removes the session's folder."""
        await self._workspace.discard(self.turn.session.id)

    async def _send(self) -> None:
        process = self.current
        await self._mark_turn()
        prompt = self.turn.prompt
        if process.launch.history:  # which the process has read by then
            prompt = replay_of(prompt).asked
        # While its input is open, a process can be interrupted, even if it is not kept.
        process.ask(
            prompt,
            TurnSettings.of(self.turn),
            schema_of(self.turn),
            last=not process.place.supports_multiple_turns,
            tools=self._tools,
        )

    async def _mark_turn(self) -> None:
        process = self.current
        if self.goes_on:
            self._mark = await transcript_rollback.mark_calls(
                process.place.folder, self._call_ids, process.mark
            )
            self._is_stored = bool(self._mark)
            return
        # A first turn is not undone: without it there is no session.
        owner = process.mark if self.turn.resume else None
        self._mark = await transcript_rollback.mark(process.place.folder, owner)
        self._is_stored = owner is not None
