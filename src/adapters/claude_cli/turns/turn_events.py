"""What the process of a turn says; one that exits before it takes the prompt is replaced."""

import logging
from collections.abc import Sequence

from modegate.adapters.claude_cli.process.shielded import run_shielded
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.turns.lifecycle import TurnLifecycle
from modegate.adapters.claude_cli.turns.states import TurnEvent, TurnState
from modegate.adapters.claude_cli.turns.turn_process import TurnProcess
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code

# Seconds of thinking before the first block until the stream starts without it. A failing API fails
# sooner, and then the response can still carry an error status.
THINKING_S = 2.0
# Events that come before a request reaches the model (2.1.329).
BEFORE_BEGIN = frozenset({"control_response", "user"})

log = logging.getLogger(__name__)


class TurnEvents:
    """Reads the events of the process that a turn holds; `timeout` is the turn's, in seconds."""

    def __init__(self, lifecycle: TurnLifecycle, held: TurnProcess, timeout: float) -> None:
        self._lifecycle = lifecycle
        self._held = held
        self._timeout = timeout

    @property
    def has_expired(self) -> bool:
        """Whether the turn ended at its timeout."""
        return self._lifecycle.end is TurnState.EXPIRED

    @property
    def too_slow(self) -> GatewayError:
        """The error of a turn that ended at its timeout."""
        return claude_code.too_slow(self._timeout)

    async def read(self) -> Sequence[Event]:
        """Waits for output, and returns its events; none if the process was replaced.

        Raises:
            GatewayError: the process ended, expired or wrote too much.
        """
        process = self._held.current
        try:
            events = await process.events()
        except GatewayError:
            is_starting = self._lifecycle.state is TurnState.STARTING
            if not is_starting or not process.was_idle or process.alive:
                raise
            # It exited while idle, or when it got the prompt: no request has reached the model yet.
            # One that waited for results is replaced from the transcript.
            log.warning("idle claude process exited before its turn: starting another")
            self._lifecycle.transition(TurnEvent.PROCESS_REPLACED)
            await run_shielded(self._replace())
            return []
        if self._lifecycle.state is TurnState.STARTING and _has_begun(events):
            self._lifecycle.transition(TurnEvent.FIRST_EVENT)
        return events

    async def begins_to_speak(self) -> bool:
        """Waits for output, but no longer than a stream waits for its first block."""
        return await self._held.current.child.output.speaks(THINKING_S)

    def expire(self) -> None:
        """Fails the read that is under way, and later ones."""
        self._held.current.child.output.fail(self.too_slow)

    async def _replace(self) -> None:
        async with self._held.changing:
            await self._held.replace()
            if self._lifecycle.state is TurnState.EXPIRED:
                self.expire()


def _has_begun(events: Sequence[Event]) -> bool:
    """Returns whether the CLI has begun the turn.

    Before, it confirms its configuration, and repeats the results that a parked turn got.
    """
    return any(event.get("type") not in BEFORE_BEGIN for event in events)
