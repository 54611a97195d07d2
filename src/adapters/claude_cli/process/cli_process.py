"""A `claude` process, which serves one session for its whole life."""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from modegate.adapters.claude_cli import errors
from modegate.adapters.claude_cli.command.command_line import Launch
from modegate.adapters.claude_cli.content import result_content
from modegate.adapters.claude_cli.process.child_process import OUTPUT_DRAIN_S, ChildProcess
from modegate.adapters.claude_cli.process.settings_channel import (
    DEFAULTS,
    RefusedSettings,
    SettingsChannel,
)
from modegate.adapters.claude_cli.protocol import messages
from modegate.adapters.claude_cli.protocol.continuation import Continuation
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.ndjson import JsonLines
from modegate.adapters.claude_cli.protocol.quota_windows import HeardWindows
from modegate.adapters.claude_cli.protocol.turn_settings import TurnSettings
from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory
from modegate.adapters.claude_cli.session_folder.session_lock import SessionLock
from modegate.adapters.claude_cli.tools.offered_tools import SERVER, OfferedTools
from modegate.adapters.claude_cli.tools.tool_server import ToolServer
from modegate.domain.conversation.message import Message
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code

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
        self.settings = SettingsChannel(
            place.environment, place.version, place.refused, launch.effort
        )
        self._continuation = Continuation()
        self._system: str | None = None
        self._schema: str | None = None
        self._message_id = ""  # of the prompt; empty if the process goes on by itself
        self._turns = 0
        self._up_to_date = True
        self.turn_confirmed = False  # whether the CLI has reported the turn's start
        self.tools = ToolServer(result_content)
        self._heard_idle: list[dict[str, object]] = []

    @property
    def alive(self) -> bool:
        """Whether the process runs in the current event loop."""
        return self.child.started and self.child.is_here and not self.child.exited.is_set()

    @property
    def plain_error(self) -> GatewayError | None:
        """The error that it wrote as plain text instead of an event."""
        return errors.from_words(self._lines.words)

    def accepts(
        self, prompt: Prompt, tools: OfferedTools | None = None, schema: str | None = None
    ) -> bool:
        """Returns whether it can take a turn with this system prompt, these tools and this schema.

        A system prompt and a schema cannot change. Tools can be taken away and offered, but not
        replaced: the CLI would keep the old ones beside the new ones for a turn (2.1.329).
        """
        if self._system is None:
            return True
        same_tools = None in (tools, self.tools.offered) or self.offers(tools)
        same = (self._system, self._schema) == (_system_prompt(prompt, tools), schema)
        return same_tools and same

    def offers(self, tools: OfferedTools | None) -> bool:
        """Returns whether its last turn had these tools."""
        offered = self.tools.offered
        return (offered and offered.digest) == (tools and tools.digest)

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
        """Sends the prompt of a turn; after the `last` one the process exits by itself.

        `schema` is the JSON Schema of the answer, as JSON. A process that goes on with the
        conversation by itself, such as with the results of calls, gets no prompt.
        """
        self._lines.begin_answer()
        self._message_id = ""
        self._turns += 1
        self.turn_confirmed = False
        self.tools.begin_turn()
        # A prewarmed process may have asked for its tools before they were known.
        asked = self._system is not None or self.tools.has_listed
        begin = self._offer(tools) if asked else b""
        self.tools.offered = tools
        system = _system_prompt(prompt, tools)
        if self._system is None:
            begin = messages.initialize(system, schema) + begin
        self._system, self._schema = system, schema
        self._continuation = Continuation(of_first_cut=settings.max_tokens is not None)
        begin += self.settings.change(settings)
        self.child.write(begin + self._message(prompt.asked), last=last)

    def go_on(self, prompt: Prompt, settings: TurnSettings, open_calls: Sequence[str]) -> None:
        """Sends the results of calls that the CLI waits for, and what else the client says.

        Calls without a result are declined. The user's message comes first, because the CLI tells
        the model of it together with the results.
        """
        self._lines.begin_answer()
        self._continuation = Continuation(of_first_cut=settings.max_tokens is not None)
        given = {it.call_id for it in prompt.results}
        self.child.write(
            self.settings.change(settings)
            + self._message(prompt.asked)
            + self.tools.answer(prompt.results)
            + self.tools.decline([it for it in open_calls if it not in given])
        )

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
        return list(self._of_this_turn(events))

    async def undo_turn(self, *, forget: bool) -> bool:
        """Interrupts the running turn; with `forget`, also removes it from the conversation.

        Of a turn that was cut at the output limit, what the CLI added behind the cut is removed.
        Returns False if the process did not confirm it in time.
        """
        try:
            self.child.write(messages.interrupt())
            async with asyncio.timeout(INTERRUPT_TIMEOUT_S):
                await self._heard(lambda event: event.get("type") == "result" or None)
            target = self._message_id if forget else self._continuation.message_id
            if not target:  # nothing to remove, or no message to name
                return not forget
            self.child.write(messages.rewind(target))
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
            self.settings.note(event)
            self._continuation.note(event)
            if reply := self.tools.replies(event):
                self.child.write(reply)
        return events

    def _hear_idle(self) -> None:
        try:
            self._heard_idle += self._served(self._lines.feed(self.child.output.take()))
        except GatewayError:  # it wrote too much: its next turn gets another process
            self._up_to_date = False

    def _offer(self, tools: OfferedTools | None) -> bytes:
        """Returns the requests that offer other tools than those of the last turn."""
        if self.offers(tools):
            return b""
        return messages.set_servers() + (b"" if tools is None else messages.set_servers(SERVER))

    def _message(self, asked: Sequence[Message]) -> bytes:
        """Returns the user's message; nothing if there is none."""
        if not asked:
            return b""
        self._message_id = str(uuid.uuid4())
        return messages.user(asked, self._message_id)

    def _of_this_turn(self, events: list[dict[str, object]]) -> Iterator[dict[str, object]]:
        """Yields events of this turn; skips late events of an interrupted previous turn."""
        for event in events:
            self.turn_confirmed = self.turn_confirmed or messages.begins(event, self._message_id)
            if self.turn_confirmed or self._turns == 1:
                yield event

    async def _heard(self, judge: Callable[[Event], bool | None]) -> bool:
        """Reads events until `judge` returns a verdict, and returns it."""
        while True:
            for event in await self.events():
                if (verdict := judge(event)) is not None:
                    return verdict


def _system_prompt(prompt: Prompt, tools: OfferedTools | None) -> str:
    instructions = "" if tools is None else tools.instructions()
    return "\n\n".join(filter(None, (prompt.system, instructions)))
