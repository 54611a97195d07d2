"""A `claude` process, and the one session that it belongs to for all its life."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modegate.adapters.claude_cli import errors
from modegate.adapters.claude_cli.process.child_process import OUTPUT_DRAIN_S, ChildProcess
from modegate.adapters.claude_cli.process.command_line import Launch
from modegate.adapters.claude_cli.process.session_directory import SessionDirectory
from modegate.adapters.claude_cli.process.session_lock import SessionLock
from modegate.adapters.claude_cli.protocol import messages
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.ndjson import JsonLines
from modegate.domain.errors import BackendCrashedError, GatewayError
from modegate.domain.prompt import Prompt

# What a process may say of itself between two turns; anything else would belong to a turn.
IDLE_EVENT_TYPES = frozenset(
    {"system", "command_lifecycle", "control_response", "keep_alive", "rate_limit_event"}
)
# How long a process may take to stop its turn, and then to forget it.
INTERRUPT_TIMEOUT_S = 0.2
REWIND_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """The session's folder, locked, and the executable that works there.

    `version` is that of the executable and the login; `converses` tells whether the executable takes
    more than one turn.
    """

    folder: SessionDirectory
    lock: SessionLock
    version: object
    supports_multiple_turns: bool


class CliProcess:
    """Takes one turn after the other; a conversation is never another session's."""

    def __init__(
        self, launch: Launch, place: Place, child: ChildProcess, stdout_limit: int
    ) -> None:
        self.launch = launch
        self.place = place
        self.child = child
        self.mark = uuid.uuid4().hex  # tells its descendants from other processes
        self.was_idle = False  # whether it was there before the turn that it has now
        self._lines = JsonLines(stdout_limit)
        self._system: str | None = None
        self._message_id = ""
        self._turns = 0
        self._up_to_date = True
        self.begun = False  # whether it has said that its turn runs

    @property
    def alive(self) -> bool:
        """Whether it can take a turn."""
        return self.child.started and self.child.is_here and not self.child.exited.is_set()

    @property
    def plain_error(self) -> GatewayError | None:
        """What it said in words instead of events."""
        return errors.from_words(self._lines.words)

    def accepts(self, prompt: Prompt) -> bool:
        """Whether it would answer under this system prompt, which it cannot change."""
        return self._system in (None, prompt.system)

    def reacquire(self) -> bool:
        """Take the folder again; False where this process does not know what was said since.

        Raises:
            SessionBusyError: another gateway is using the session.
        """
        self.was_idle = True
        # Once it has missed a turn it never knows the conversation again, though the lock is ours.
        self._up_to_date = self.place.lock.acquire() and self._up_to_date
        self._lines.begin_answer()
        heard = self._lines.feed(self.child.begin_answer())
        return (
            self._up_to_date
            and self.alive
            and all(event.get("type") in IDLE_EVENT_TYPES for event in heard)
        )

    def release_lock(self) -> None:
        """Let other gateways have the session while no turn runs."""
        self.place.lock.release()

    def ask(self, prompt: Prompt, *, last: bool) -> None:
        """Begin a turn; after the `last` one the process ends by itself."""
        self._lines.begin_answer()
        self._message_id = str(uuid.uuid4())
        self._turns += 1
        self.begun = False
        begin = b"" if self._system is not None else messages.initialize(prompt.system)
        self._system = prompt.system
        self.child.write(begin + messages.user(prompt.text, self._message_id), last=last)

    async def events(self) -> list[dict[str, object]]:
        """What it said since the last call; waits for more than nothing.

        Raises:
            GatewayError: it ended, or wrote too much.
        """
        data = await self.child.read()
        events = self._lines.feed(data) if data else self._lines.flush()
        if any(messages.refuses(event, messages.INITIALIZE) for event in events):
            raise BackendCrashedError("Claude Code did not take its instructions: try again.")
        if not data and not events:
            await self.child.ended(OUTPUT_DRAIN_S)
            raise self.plain_error or errors.from_exit(self.child.exit_status, self.child.stderr)
        return list(self._of_this_turn(events))

    async def undo_turn(self, *, forget: bool) -> bool:
        """Stop the turn that runs, and `forget` it; False where the process did not do so."""
        try:
            self.child.write(messages.interrupt())
            async with asyncio.timeout(INTERRUPT_TIMEOUT_S):
                await self._heard(lambda event: event.get("type") == "result" or None)
            if not forget:
                return True
            self.child.write(messages.rewind(self._message_id))
            async with asyncio.timeout(REWIND_TIMEOUT_S):
                return await self._heard(messages.has_rewound)
        except (TimeoutError, GatewayError):
            return False

    def _of_this_turn(self, events: list[dict[str, object]]) -> Iterator[dict[str, object]]:
        """Without what belongs to the turn before, which may have been given up in the middle."""
        for event in events:
            self.begun = self.begun or messages.begins(event, self._message_id)
            if self.begun or self._turns == 1:
                yield event

    async def _heard(self, judge: Callable[[Event], bool | None]) -> bool:
        """The first verdict on what the process says."""
        while True:
            for event in await self.events():
                if (verdict := judge(event)) is not None:
                    return verdict
