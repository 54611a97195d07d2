"""The error for a session that has lost the calls whose results a turn brings."""

from collections.abc import Iterable
from typing import Self

from modegate.domain.conversation.message import Message
from modegate.domain.errors import InvalidRequestError
from modegate.domain.errors.catalogue import tool_results


class CallsLostError(InvalidRequestError):
    """The session's conversation does not hold the calls of the turn's results.

    A process that is killed right after its answer has not stored them. A request that has the
    calls can be answered from its own history.
    """

    @classmethod
    def of(cls, results: Iterable[Message]) -> Self:
        """Returns the error for results; a client is told that no result is awaited for them."""
        told = tool_results.unknown(str(it.call_id) for it in results)
        return cls(told.problem, param=told.param)
