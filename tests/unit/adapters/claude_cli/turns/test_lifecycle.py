"""The turn's state machine: all transitions, and any order of events."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.claude_cli.turns.disposition import RETURNS_PROCESS, TurnFacts
from modegate.adapters.claude_cli.turns.lifecycle import InvalidTransitionError, TurnLifecycle
from modegate.adapters.claude_cli.turns.states import (
    ENDS,
    OPEN,
    SETTLED,
    WITH_SLOT,
    WITHOUT_SLOT,
    TurnEvent,
    TurnState,
)

# One line a state, one column an event, in the order of `TurnEvent`; `-` raises.
TABLE = """
          GRANT    REPLACE  FIRST   CALLED RESULTS ANSWERED  ERROR  DISCONNECT DEADLINE RETURNED STOPPED
QUEUED    STARTING -        -       -      -       -         FAILED CANCELLED  EXPIRED  -        -
STARTING  -        STARTING RUNNING -      -       -         FAILED CANCELLED  EXPIRED  -        -
RUNNING   -        -        -       PARKED -       COMPLETED FAILED CANCELLED  EXPIRED  -        -
PARKED    -        -        -       -      STARTING -         FAILED CANCELLED  EXPIRED  -        -
COMPLETED -        -        -       -      -       =         =      =          =        RETURNED STOPPED
FAILED    -        -        -       -      -       =         =      =          =        RETURNED STOPPED
CANCELLED -        -        -       -      -       =         =      =          =        RETURNED STOPPED
EXPIRED   -        -        -       -      -       =         =      =          =        -        STOPPED
RETURNED  -        -        -       -      -       =         =      =          =        -        -
STOPPED   -        -        -       -      -       =         =      =          =        -        -
"""
EXPECTED = {
    (TurnState[name], event): name if cell == "=" else cell
    for name, *cells in map(str.split, TABLE.strip().splitlines()[1:])
    for event, cell in zip(TurnEvent, cells, strict=True)
}
# The shortest way to each state.
WAYS = {
    TurnState.QUEUED: (),
    TurnState.STARTING: (TurnEvent.SLOT_GRANTED,),
    TurnState.RUNNING: (TurnEvent.SLOT_GRANTED, TurnEvent.FIRST_EVENT),
    TurnState.PARKED: (
        TurnEvent.SLOT_GRANTED,
        TurnEvent.FIRST_EVENT,
        TurnEvent.FUNCTIONS_CALLED,
    ),
    TurnState.COMPLETED: (
        TurnEvent.SLOT_GRANTED,
        TurnEvent.FIRST_EVENT,
        TurnEvent.ANSWER_ENDED,
    ),
    TurnState.FAILED: (TurnEvent.SLOT_GRANTED, TurnEvent.ERROR),
    TurnState.CANCELLED: (TurnEvent.SLOT_GRANTED, TurnEvent.DISCONNECT),
    TurnState.EXPIRED: (TurnEvent.SLOT_GRANTED, TurnEvent.DEADLINE),
    TurnState.RETURNED: (
        TurnEvent.SLOT_GRANTED,
        TurnEvent.DISCONNECT,
        TurnEvent.PROCESS_RETURNED,
    ),
    TurnState.STOPPED: (TurnEvent.SLOT_GRANTED, TurnEvent.ERROR, TurnEvent.PROCESS_STOPPED),
}
FACTS = TurnFacts(
    has_process=True,
    owns_folder=False,
    reusable=True,
    interruptible=True,
    doubtful=False,
    resumed=True,
    answered=True,
    known=True,
    cli_ended=True,
    refused=False,
)


def after(*events: TurnEvent) -> TurnLifecycle:
    lifecycle = TurnLifecycle()
    for event in events:
        lifecycle.transition(event)
    return lifecycle


def test_the_table_names_every_pair() -> None:
    assert EXPECTED.keys() == set(product(TurnState, TurnEvent))


@pytest.mark.parametrize(("state", "event"), EXPECTED, ids=lambda it: it.name)
def test_every_event_in_every_state(state: TurnState, event: TurnEvent) -> None:
    lifecycle = after(*WAYS[state])
    assert lifecycle.state is state
    expected = EXPECTED[state, event]
    if expected == "-":
        with pytest.raises(InvalidTransitionError, match=f"{event.name} in state {state.name}"):
            lifecycle.transition(event)
        assert lifecycle.state is state
        return
    ended = lifecycle.transition(event)
    assert lifecycle.state is TurnState[expected]
    assert ended == (state in OPEN and lifecycle.state in ENDS)


@pytest.mark.parametrize(
    ("state", "holds"),
    [
        (TurnState.QUEUED, False),
        (TurnState.STARTING, True),
        (TurnState.RUNNING, True),
        (TurnState.PARKED, False),
        (TurnState.COMPLETED, True),
        (TurnState.FAILED, True),
        (TurnState.CANCELLED, True),
        (TurnState.EXPIRED, True),
        (TurnState.RETURNED, False),
        (TurnState.STOPPED, False),
    ],
)
def test_a_slot_is_held_from_its_grant_until_the_process_is_settled(
    state: TurnState, holds: bool
) -> None:
    assert after(*WAYS[state]).holds_slot == holds


@pytest.mark.parametrize("end", [TurnEvent.ERROR, TurnEvent.DISCONNECT, TurnEvent.DEADLINE])
@pytest.mark.parametrize("state", [TurnState.QUEUED, TurnState.PARKED])
def test_a_turn_that_ends_without_a_slot_holds_none_afterwards(
    state: TurnState, end: TurnEvent
) -> None:
    lifecycle = after(*WAYS[state], end)
    assert lifecycle.state in ENDS
    assert not lifecycle.holds_slot


def test_a_parked_turn_that_gets_its_results_holds_a_slot_again() -> None:
    assert after(*WAYS[TurnState.PARKED], TurnEvent.RESULTS_RECEIVED).holds_slot


def test_the_states_are_divided_without_a_rest() -> None:
    assert {*OPEN, *ENDS, *SETTLED} == set(TurnState)
    assert len(OPEN) + len(ENDS) + len(SETTLED) == len(TurnState)
    assert set(TurnState) - WITH_SLOT - WITHOUT_SLOT == ENDS


def test_a_turn_that_goes_on_has_no_disposition() -> None:
    for state in OPEN:
        with pytest.raises(InvalidTransitionError, match="is no end"):
            after(*WAYS[state]).disposition(FACTS)


def test_the_first_end_decides_even_when_later_ones_follow() -> None:
    lifecycle = after(*WAYS[TurnState.EXPIRED], TurnEvent.ERROR, TurnEvent.DISCONNECT)
    assert lifecycle.end is TurnState.EXPIRED
    assert lifecycle.disposition(FACTS) not in RETURNS_PROCESS
    lifecycle.transition(TurnEvent.PROCESS_STOPPED)
    assert lifecycle.end is TurnState.EXPIRED


@given(st.lists(st.sampled_from(TurnEvent), max_size=40))
def test_any_order_of_events_has_at_most_one_end_and_releases_each_slot_once(
    events: list[TurnEvent],
) -> None:
    lifecycle = TurnLifecycle()
    ends, settled, granted, released = [], 0, 0, 0
    for event in events:
        before, held = lifecycle.state, lifecycle.holds_slot
        try:
            has_ended = lifecycle.transition(event)
        except InvalidTransitionError:
            assert (lifecycle.state, lifecycle.holds_slot) == (before, held)
            continue
        if has_ended:
            ends.append(lifecycle.state)
        settled += before not in SETTLED and lifecycle.state in SETTLED
        granted += lifecycle.holds_slot and not held
        released += held and not lifecycle.holds_slot
    assert len(ends) <= 1
    assert ends == [lifecycle.end] * len(ends)
    assert settled == (lifecycle.state in SETTLED)
    assert granted - released == lifecycle.holds_slot


@given(st.lists(st.sampled_from(TurnEvent), max_size=40), st.sampled_from(TurnEvent))
def test_any_order_of_events_can_be_brought_to_its_end(
    events: list[TurnEvent], last: TurnEvent
) -> None:
    lifecycle = TurnLifecycle()
    held = released = 0
    for event in [*events, last, TurnEvent.DISCONNECT, TurnEvent.PROCESS_STOPPED]:
        holds = lifecycle.holds_slot
        try:
            lifecycle.transition(event)
        except InvalidTransitionError:
            continue
        held += lifecycle.holds_slot and not holds
        released += holds and not lifecycle.holds_slot
    assert lifecycle.state in SETTLED
    assert lifecycle.end in ENDS
    assert held == released
