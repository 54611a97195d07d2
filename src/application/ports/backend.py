"""Whoever answers a prepared turn."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from modegate.domain.completion import Answer, Chunk

TurnT_contra = TypeVar("TurnT_contra", contravariant=True)


class CompletionBackend(Protocol[TurnT_contra]):
    """Answers prepared turns of one mode.

    Duties: raise only `GatewayError`; decide nothing that the turn already says; stop all work
    behind a call, within the backend's grace, when the call is cancelled or the stream's context is
    left.
    """

    async def complete(self, turn: TurnT_contra) -> Answer:
        """The whole answer; a backend's failure is an error, never a text."""
        ...

    def stream(self, turn: TurnT_contra) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """The answer's chunks as they come.

        Whatever is known by then is raised before the first chunk, on entering the context or on
        asking for that chunk. The first is `Started` or `VerbatimHead`. A stream of text that ends
        without `Finished` was cut, and says so by raising.
        """
        ...
