"""A `claude` process, and the one session that it belongs to for all its life."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modegate.adapters.claude_cli import control, failures
from modegate.adapters.claude_cli.child import LAST_WORDS, Child
from modegate.adapters.claude_cli.command import Launch
from modegate.adapters.claude_cli.events import Event
from modegate.adapters.claude_cli.folder_lock import FolderLock
from modegate.adapters.claude_cli.lines import JsonLines
from modegate.adapters.claude_cli.workspace import SessionFolder
from modegate.domain.errors import BackendCrashedError, GatewayError
from modegate.domain.prompt import Prompt

# What a process may say of itself between two turns; anything else would belong to a turn.
HARMLESS = frozenset(
    {"system", "command_lifecycle", "control_response", "keep_alive", "rate_limit_event"}
)
# How long a process may take to stop its turn, and then to forget it.
TO_INTERRUPT = 0.2
TO_REWIND = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """The session's folder, locked, and the executable that works there.

    `version` is that of the executable and the login; `converses` tells whether the executable takes
    more than one turn.
    """

    folder: SessionFolder
    lock: FolderLock
    version: object
    converses: bool


class Process:
    """Takes one turn after the other; a conversation is never another session's."""

    def __init__(self, launch: Launch, place: Place, child: Child, stdout_limit: int) -> None:
        self.launch = launch
        self.place = place
        self.child = child
        self.mark = uuid.uuid4().hex  # tells its descendants from other processes
        self.waited = False  # whether it was there before the turn that it has now
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
    def complaint(self) -> GatewayError | None:
        """What it said in words instead of events."""
        return failures.from_words(self._lines.words)

    def suits(self, prompt: Prompt) -> bool:
        """Whether it would answer under this system prompt, which it cannot change."""
        return self._system in (None, prompt.system)

    def wake(self) -> bool:
        """Take the folder again; False where this process does not know what was said since.

        Raises:
            SessionBusyError: another gateway is using the session.
        """
        self.waited = True
        # Once it has missed a turn it never knows the conversation again, though the lock is ours.
        self._up_to_date = self.place.lock.take() and self._up_to_date
        self._lines.begin_answer()
        heard = self._lines.feed(self.child.begin_answer())
        return (
            self._up_to_date
            and self.alive
            and all(event.get("type") in HARMLESS for event in heard)
        )

    def rest(self) -> None:
        """Let other gateways have the session while no turn runs."""
        self.place.lock.release()

    def ask(self, prompt: Prompt, *, last: bool) -> None:
        """Begin a turn; after the `last` one the process ends by itself."""
        self._lines.begin_answer()
        self._message_id = str(uuid.uuid4())
        self._turns += 1
        self.begun = False
        begin = b"" if self._system is not None else control.initialize(prompt.system)
        self._system = prompt.system
        self.child.write(begin + control.user(prompt.text, self._message_id), last=last)

    async def events(self) -> list[dict[str, object]]:
        """What it said since the last call; waits for more than nothing.

        Raises:
            GatewayError: it ended, or wrote too much.
        """
        data = await self.child.read()
        events = self._lines.feed(data) if data else self._lines.flush()
        if any(control.refuses(event, control.INITIALIZE) for event in events):
            raise BackendCrashedError("Claude Code did not take its instructions: try again.")
        if not data and not events:
            await self.child.ended(LAST_WORDS)
            raise self.complaint or failures.from_exit(self.child.exit_status, self.child.stderr)
        return list(self._of_this_turn(events))

    async def take_back(self, *, forget: bool) -> bool:
        """Stop the turn that runs, and `forget` it; False where the process did not do so."""
        try:
            self.child.write(control.interrupt())
            async with asyncio.timeout(TO_INTERRUPT):
                await self._heard(lambda event: event.get("type") == "result" or None)
            if not forget:
                return True
            self.child.write(control.rewind(self._message_id))
            async with asyncio.timeout(TO_REWIND):
                return await self._heard(control.has_rewound)
        except (TimeoutError, GatewayError):
            return False

    def _of_this_turn(self, events: list[dict[str, object]]) -> Iterator[dict[str, object]]:
        """Without what belongs to the turn before, which may have been given up in the middle."""
        for event in events:
            self.begun = self.begun or control.begins(event, self._message_id)
            if self.begun or self._turns == 1:
                yield event

    async def _heard(self, judge: Callable[[Event], bool | None]) -> bool:
        """The first verdict on what the process says."""
        while True:
            for event in await self.events():
                if (verdict := judge(event)) is not None:
                    return verdict
