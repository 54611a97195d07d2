"""A `claude` process, which serves one session for its whole life."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from modegate.adapters.claude_cli import errors
from modegate.adapters.claude_cli.command.command_line import Launch
from modegate.adapters.claude_cli.process.child_process import OUTPUT_DRAIN_S, ChildProcess
from modegate.adapters.claude_cli.process.settings_channel import (
    DEFAULTS,
    RefusedSettings,
    SettingsChannel,
)
from modegate.adapters.claude_cli.process.turn_input import TurnInput
from modegate.adapters.claude_cli.protocol import messages
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.ndjson import JsonLines
from modegate.adapters.claude_cli.protocol.quota_windows import HeardWindows
from modegate.adapters.claude_cli.protocol.turn_settings import TurnSettings
from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.adapters.claude_cli.session_folder.session_lock import SessionLock
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code
from modegate.lazy_dataclass import dataclass

# Event types that an idle process may write; any other event belongs to a turn.
IDLE_EVENT_TYPES = frozenset(
    {
        "system",
        "command_lifecycle",
        "control_request",
        "control_response",
        "keep_alive",
        "rate_limit_event",
    }
)
# Seconds for a process to stop its turn, and then to remove it from the conversation.
INTERRUPT_TIMEOUT_S = 0.2
REWIND_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """The session's locked folder, and facts about the executable that runs in it.

    `version` changes with the executable and with the login; `environment` is the process's. `refused` are
    the versions that take no settings between turns.
    """

    folder: SessionDirectory
    lock: SessionLock
    version: object
    supports_multiple_turns: bool
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    refused: RefusedSettings = field(default_factory=RefusedSettings)


class CliProcess:
    """Runs the turns of one session, one after the other."""

    def __init__(
        self,
        launch: Launch,
        place: Place,
        child: ChildProcess,
        stdout_limit: int,
        windows: HeardWindows | None = None,
    ) -> None:
        self.launch = launch
        self.place = place
        self.child = child
        self.mark = uuid.uuid4().hex  # identifies its descendants
        self.was_idle = False  # whether it waited for its current turn, or for results
        self._lines = JsonLines(stdout_limit)
        self._windows = windows or HeardWindows()
        self.input = TurnInput(
            SettingsChannel(place.environment, place.version, place.refused, launch.effort)
        )
        self._up_to_date = True
        self._heard_idle: list[dict[str, object]] = []

    @property
    def alive(self) -> bool:
        """Whether the process runs in the current event loop."""
        return self.child.started and self.child.is_here and not self.child.exited.is_set()

    @property
    def plain_error(self) -> GatewayError | None:
        """The error that it wrote as plain text instead of an event."""
        return errors.from_words(self._lines.words)

    def serve_tools(self) -> None:
        """Answers the CLI's questions about tools while no turn reads its output."""
        self.child.output.on_stdout = self._hear_idle

    def relock(self) -> bool:
        """Locks the folder again in the middle of a turn; returns whether the turn can go on."""
        self.was_idle = True
        self._up_to_date = self.place.lock.acquire() and self._up_to_date
        return self._up_to_date and self.alive

    def reacquire(self) -> bool:
        """Locks the folder again; returns False if the process cannot take the next turn.

        It cannot if it has exited, missed a turn of another gateway, or wrote an unexpected event.

        Raises:
            SessionBusyError: another gateway is using the session.
            OSError: the folder is gone or cannot be written.
        """
        self.was_idle = True
        # A process that missed a turn stays outdated, even once this gateway has the lock again.
        self._up_to_date = self.place.lock.acquire() and self._up_to_date
        self._lines.begin_answer()
        self.child.output.on_stdout = None
        self._heard_idle += self._served(self._lines.feed(self.child.output.begin_answer()))
        heard, self._heard_idle = self._heard_idle, []
        return (
            self._up_to_date
            and self.alive
            and all(event.get("type") in IDLE_EVENT_TYPES for event in heard)
        )

    def release_lock(self) -> None:
        """Releases the folder's lock, so that other gateways can use the session."""
        self.place.lock.release()

    def ask(
        self,
        prompt: Prompt,
        settings: TurnSettings = DEFAULTS,
        schema: str | None = None,
        *,
        last: bool,
        tools: OfferedTools | None = None,
    ) -> None:
        """Begins a turn, as `TurnInput.ask` says; after the `last` one the process exits by itself."""
        self._lines.begin_answer()
        self.child.write(self.input.ask(prompt, settings, schema, tools), last=last)

    def go_on(self, prompt: Prompt, settings: TurnSettings, open_calls: Sequence[str]) -> None:
        """Sends the results of calls that the CLI waits for, and what else the client says."""
        self._lines.begin_answer()
        self.child.write(self.input.go_on(prompt, settings, open_calls))

    async def events(self) -> list[dict[str, object]]:
        """Waits for output, and returns the current turn's events since the last call.

        Raises:
            GatewayError: the process ended, expired or wrote too much.
        """
        data = await self.child.output.read()
        events = self._served(self._lines.feed(data) if data else self._lines.flush())
        if any(messages.refuses(event, messages.INITIALIZE) for event in events):
            raise claude_code.refused_instructions()
        if not data and not events:
            await self.child.ended(OUTPUT_DRAIN_S)
            raise self.plain_error or errors.from_exit(
                self.child.exit_status, self.child.output.stderr
            )
        return list(self.input.of_this_turn(events))

    async def undo_turn(self, *, forget: bool) -> bool:
        """Interrupts the running turn; with `forget`, also removes it from the conversation.

        Of a turn that was cut at the output limit, what the CLI added behind the cut is removed.
        Returns False if the process did not confirm it in time.
        """
        try:
            self.child.write(messages.interrupt())
            async with asyncio.timeout(INTERRUPT_TIMEOUT_S):
                await self._heard(lambda event: event.get("type") == "result" or None)
            request = self.input.rewind(forget=forget)
            if not request:  # nothing to remove, or no message to name
                return not forget
            self.child.write(request)
            async with asyncio.timeout(REWIND_TIMEOUT_S):
                return await self._heard(messages.has_rewound)
        except (TimeoutError, GatewayError):
            return False

    def _served(self, events: list[dict[str, object]]) -> list[dict[str, object]]:
        """Answers what the CLI asks in the events, and returns them.

        Those of other turns, too, tell of the account's quota windows.
        """
        for event in events:
            self._windows.note(event)
            if reply := self.input.note(event):
                self.child.write(reply)
        return events

    def _hear_idle(self) -> None:
        try:
            self._heard_idle += self._served(self._lines.feed(self.child.output.take()))
        except GatewayError:  # it wrote too much: its next turn gets another process
            self._up_to_date = False

    async def _heard(self, judge: Callable[[Event], bool | None]) -> bool:
        """Reads events until `judge` returns a verdict, and returns it."""
        while True:
            for event in await self.events():
                if (verdict := judge(event)) is not None:
                    return verdict
