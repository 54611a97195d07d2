"""The results of a client's tools, and the calls that they belong to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message, Role, ToolCall
from modegate.domain.conversation.prompt import begin_of_results
from modegate.domain.errors.catalogue import tool_results as errors
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class LastResults:
    """The results that a request ends with, also where a message of the user follows them.

    `calls` are those of the answer before them, which may be several messages; empty where the
    request lacks it. `are_last` is whether no message follows.
    """

    results: tuple[Message, ...]
    calls: tuple[ToolCall, ...]
    are_last: bool

    @classmethod
    def of(cls, conversation: Conversation) -> "LastResults | None":
        """Returns the results that the conversation ends with; None if it does not."""
        said = conversation.messages
        begin = begin_of_results(said)
        if begin is None:
            return None
        results = tuple(it for it in said[begin:] if it.is_result)
        answers = takewhile(lambda it: it.role is Role.ASSISTANT, reversed(said[:begin]))
        calls = tuple(call for it in reversed(list(answers)) for call in it.calls)
        return cls(results, calls, said[-1].is_result)

    @property
    def call_ids(self) -> frozenset[str]:
        """The ids of the calls that have results here."""
        return frozenset(it.call_id for it in self.results if it.call_id)


def match_results(results: Sequence[Message], calls: Sequence[ToolCall]) -> tuple[Message, ...]:
    """Returns the results with the ids of their calls, in any order.

    A result without an id, as older clients send it, belongs to the first call of its function.

    Raises:
        InvalidRequestError: a call has no result or two, or a result has no call.
    """
    check_repeated(results)
    free = [it for it in calls if it.id not in {result.call_id for result in results}]
    matched = tuple(_with_id(it, free) for it in results)
    known = {it.id for it in calls}
    if unknown := [_id(it) for it in matched if it.call_id not in known]:
        raise errors.unknown(unknown)
    given = {it.call_id for it in matched}
    if missing := [it.id for it in calls if it.id not in given]:
        raise errors.missing(missing)
    return matched


def check_repeated(results: Iterable[Message]) -> None:
    """Checks that no call has two results.

    Raises:
        InvalidRequestError: a call has two.
    """
    counted = Counter(it.call_id for it in results if it.call_id)
    if repeated := [call_id for call_id, count in counted.items() if count > 1]:
        raise errors.repeated(repeated)


def _with_id(result: Message, free: list[ToolCall]) -> Message:
    """Returns the result with an id; takes its call from those that are free."""
    if result.call_id:
        return result
    call = next((it for it in free if result.name in (None, it.name)), None)
    if call is None:
        return result
    free.remove(call)
    return replace(result, call_id=call.id)


def _id(result: Message) -> str:
    return result.call_id or result.name or "?"
