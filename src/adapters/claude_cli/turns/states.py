"""The states of a turn, its events, and the table of transitions."""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType


class TurnState(Enum):
    """Where a turn is between its request and the end of its process's work."""

    QUEUED = auto()  # waits for a slot
    STARTING = auto()  # has a slot; the model has not been heard yet
    RUNNING = auto()  # the CLI has written events of this turn
    PARKED = auto()  # waits for a client's results of its functions, without a slot
    COMPLETED = auto()  # the answer has ended
    FAILED = auto()
    CANCELLED = auto()  # the client disconnected before the answer's end
    EXPIRED = auto()  # the turn's time is over
    RETURNED = auto()  # the process is idle in the pool
    STOPPED = auto()  # the process has ended, or never began


class TurnEvent(Enum):
    """What happens to a turn."""

    SLOT_GRANTED = auto()
    PROCESS_REPLACED = auto()  # a waiting process exited before it took the prompt or the results
    FIRST_EVENT = auto()
    FUNCTIONS_CALLED = auto()
    RESULTS_RECEIVED = auto()
    ANSWER_ENDED = auto()
    ERROR = auto()
    DISCONNECT = auto()
    DEADLINE = auto()
    PROCESS_RETURNED = auto()
    PROCESS_STOPPED = auto()


# States in which the turn still goes on.
OPEN = frozenset({TurnState.QUEUED, TurnState.STARTING, TurnState.RUNNING, TurnState.PARKED})
# The four ends, in which the process is still to be returned or stopped.
ENDS = frozenset({TurnState.COMPLETED, TurnState.FAILED, TurnState.CANCELLED, TurnState.EXPIRED})
# The last states, in which the turn holds nothing.
SETTLED = frozenset({TurnState.RETURNED, TurnState.STOPPED})

# Slots bound the processes at work. So a turn holds its slot until its process is idle or has
# ended, and an end keeps what the state before it held. A parked turn holds none.
WITH_SLOT = frozenset({TurnState.STARTING, TurnState.RUNNING})
WITHOUT_SLOT = frozenset({TurnState.QUEUED, TurnState.PARKED}) | SETTLED

_Row = Mapping[TurnEvent, TurnState]

_EARLY_ENDS: _Row = {
    TurnEvent.ERROR: TurnState.FAILED,
    TurnEvent.DISCONNECT: TurnState.CANCELLED,
    TurnEvent.DEADLINE: TurnState.EXPIRED,
}


def _after_its_end(state: TurnState, settled: _Row) -> _Row:
    """Returns the row of a turn that has ended: the first end counts, later ones change nothing."""
    ignored = (TurnEvent.ANSWER_ENDED, *_EARLY_ENDS)
    return {**dict.fromkeys(ignored, state), **settled}


_STOPPED: _Row = {TurnEvent.PROCESS_STOPPED: TurnState.STOPPED}
_RETURNED_OR_STOPPED: _Row = {TurnEvent.PROCESS_RETURNED: TurnState.RETURNED, **_STOPPED}

# What is missing here is a bug: `TurnLifecycle` raises.
TRANSITIONS: Mapping[TurnState, _Row] = MappingProxyType(
    {
        TurnState.QUEUED: {TurnEvent.SLOT_GRANTED: TurnState.STARTING, **_EARLY_ENDS},
        TurnState.STARTING: {
            TurnEvent.PROCESS_REPLACED: TurnState.STARTING,
            TurnEvent.FIRST_EVENT: TurnState.RUNNING,
            **_EARLY_ENDS,
        },
        TurnState.RUNNING: {
            TurnEvent.FUNCTIONS_CALLED: TurnState.PARKED,
            TurnEvent.ANSWER_ENDED: TurnState.COMPLETED,
            **_EARLY_ENDS,
        },
        TurnState.PARKED: {TurnEvent.RESULTS_RECEIVED: TurnState.STARTING, **_EARLY_ENDS},
        TurnState.COMPLETED: _after_its_end(TurnState.COMPLETED, _RETURNED_OR_STOPPED),
        TurnState.FAILED: _after_its_end(TurnState.FAILED, _RETURNED_OR_STOPPED),
        TurnState.CANCELLED: _after_its_end(TurnState.CANCELLED, _RETURNED_OR_STOPPED),
        TurnState.EXPIRED: _after_its_end(TurnState.EXPIRED, _STOPPED),
        TurnState.RETURNED: _after_its_end(TurnState.RETURNED, {}),
        TurnState.STOPPED: _after_its_end(TurnState.STOPPED, {}),
    }
)
