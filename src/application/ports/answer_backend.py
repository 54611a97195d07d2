"""The port for answer backends."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from modegate.domain.answer.events import Answer, Chunk

TurnT_contra = TypeVar("TurnT_contra", contravariant=True)


class CompletionBackend(Protocol[TurnT_contra]):
    """Answers prepared turns of one mode.

    A backend raises only `GatewayError`. It makes no decision that the turn already holds. It stops
    all work behind a call when the call is cancelled, or when the stream's context is left. It may
    take its grace period for that.
    """

    async def complete(self, turn: TurnT_contra) -> Answer:
        """Returns the complete answer; a failure is raised, never returned as text."""
        ...

    def stream(self, turn: TurnT_contra) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """Opens a stream of the answer's chunks, in order of arrival.

        A failure known before the first chunk is raised on entering the context, or by the request
        for that chunk. The first chunk is `Started` or `ResponseHead`. A text stream that is cut
        raises an error instead of ending without `Finished`.
        """
        ...
