"""The port for answer backends."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from modegate.domain.answer.events import AnswerEvent
from modegate.domain.turn import Turn


class AnswerBackend(Protocol):
    """Generates the answers to prepared turns."""

    def generate(self, turn: Turn) -> AbstractAsyncContextManager[AsyncIterator[AnswerEvent]]:
        """Returns the events of the answer to one turn, as they arrive.

        The first event is `Started`, and the last one of a complete answer is `Finished`. An error
        that is known before the first event is raised on entering the context or on awaiting that
        event. Leaving the context, also by cancellation, stops all work on the turn. If there was
        no `Finished`, a backend that knows what the turn has used calls `turn.on_cut` once.

        Raises:
            GatewayError: if the turn failed; no other error is raised.
        """
        ...
