"""Pairs the results of tool calls with their calls."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from modegate.lazy_dataclass import dataclass


@dataclass(slots=True, eq=False)
class ToolCall:
    """The call in `messages[message].tool_calls[position]`.

    `given` is the client's id as text, `id` the repaired one; `is_made` states that it is new.
    """

    message: int
    position: int
    given: str | None
    name: str | None
    id: str = ""
    is_made: bool = False
    has_result: bool = False


@dataclass(slots=True, eq=False)
class ToolResult:
    """The result in `messages[message]`.

    `given` is the client's id as text, `name` the name of the function. `call` is set by `pair`,
    and stays None for an orphan.
    """

    message: int
    given: str | None
    name: str | None
    has_valid_id: bool
    call: ToolCall | None = None


Key = tuple[str | None, ...]
ANY: Key = ("any",)
MADE: Key = ("made",)


class _WaitingCalls:
    """The calls without a result, oldest first, under each of their keys."""

    def __init__(self) -> None:
        self._queues: defaultdict[Key, deque[ToolCall]] = defaultdict(deque)

    def add(self, call: ToolCall, *keys: Key) -> None:
        """Appends a call, under each key with and without its name."""
        for key in keys:
            self._queues[key].append(call)
            if call.name is not None:
                self._queues[*key, call.name].append(call)

    def take(self, key: Key, name: str | None) -> ToolCall | None:
        """Removes the oldest call under the key, of this name if there is one, and returns it."""
        queue = self._queues[key if name is None else (*key, name)]
        while queue:
            call = queue.popleft()
            if not call.has_result:
                call.has_result = True
                return call
        return None


def pair(calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> None:
    """Finds the call of each result, first by the ids, then for the other results by their order.

    Both are in the order of their messages. A call precedes its result. Takes linear time.
    """
    by_id, by_order = _WaitingCalls(), _WaitingCalls()
    for it in _in_order(calls, results):
        if isinstance(it, ToolCall):
            by_id.add(it, (it.given,))
        elif it.given is not None:
            named = by_id.take((it.given,), it.name) if it.name else None
            it.call = named or by_id.take((it.given,), None)
    for it in _in_order(calls, results):
        if isinstance(it, ToolCall):
            by_order.add(it, *((ANY, MADE) if it.is_made else (ANY,)))
        elif it.call is None:
            # A valid id is not that of a call with another valid one.
            it.call = by_order.take(MADE if it.has_valid_id else ANY, it.name)


def _in_order(
    calls: Sequence[ToolCall], results: Sequence[ToolResult]
) -> Iterator[ToolCall | ToolResult]:
    at = 0
    for result in results:
        while at < len(calls) and calls[at].message < result.message:
            yield calls[at]
            at += 1
        yield result
