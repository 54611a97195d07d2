from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.member import Member, Usable
from modegate.domain.credentials.rendezvous import Rendezvous
from modegate.domain.credentials.selection import Strategy, selector_for
from modegate.domain.credentials.state import CredentialState


def members(*weights: int) -> list[Member]:
    return [
        Member(Credential(f"c{at}", ApiKey("sk"), weight), CredentialState(), at)
        for at, weight in enumerate(weights)
    ]


def turns(strategy: Strategy, among: Sequence[Member], number: int) -> list[str]:
    selector, usable = selector_for(strategy, among), Usable(among)
    return [selector.choose(usable, "").credential.id for _ in range(number)]


def test_fill_first_always_chooses_the_first() -> None:
    assert turns(Strategy.FILL_FIRST, members(1, 1, 1), 5) == ["c0"] * 5


def test_round_robin_gives_equal_turns_in_the_order_of_the_file() -> None:
    assert turns(Strategy.ROUND_ROBIN, members(1, 1, 1), 7) == [
        *("c0", "c1", "c2"),
        *("c0", "c1", "c2"),
        "c0",
    ]


def test_round_robin_goes_on_after_the_last_one_although_the_members_changed() -> None:
    every = members(1, 1, 1)
    selector = selector_for(Strategy.ROUND_ROBIN, every)
    first = [selector.choose(Usable(every), "").position for _ in range(2)]
    without_last = Usable([every[0], every[2]])
    rest = [selector.choose(without_last, "").position for _ in range(3)]
    assert (first, rest) == ([0, 1], [2, 0, 2])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 3))
def test_weighted_turns_are_exact_over_each_period(weights: list[int], periods: int) -> None:
    period = sum(weights)
    chosen = turns(Strategy.WEIGHTED, members(*weights), period * (periods + 1))
    expected = {f"c{at}": weight for at, weight in enumerate(weights)}
    for at in range(0, len(chosen), period):
        assert Counter(chosen[at : at + period]) == expected


def test_weighted_turns_are_spread_evenly() -> None:
    assert turns(Strategy.WEIGHTED, members(3, 1), 8) == ["c0", "c0", "c1", "c0"] * 2


KEYS = [f"conversation {n}" for n in range(2000)]


@pytest.mark.parametrize("number", [1, 5, 32, 33, 1000])
def test_sticky_chooses_the_same_member_in_every_process_and_order(number: int) -> None:
    among = members(*[1] * number)
    first, second = Rendezvous(among), Rendezvous(list(reversed(among)))
    for key in KEYS[:200]:
        chosen = first.choose(Usable(among), key).credential.id
        assert second.choose(Usable(list(reversed(among))), key).credential.id == chosen


@pytest.mark.parametrize("number", [5, 100])
def test_without_a_member_only_its_own_keys_move(number: int) -> None:
    among = members(*[1] * number)
    selector, every = Rendezvous(among), Usable(among)
    chosen = {key: selector.choose(every, key).position for key in KEYS}
    gone = chosen[KEYS[0]]
    rest = Usable([it for it in among if it.position != gone])
    for key in KEYS:
        moved_to = selector.choose(rest, key).position
        assert moved_to != gone
        assert chosen[key] in {gone, moved_to}


def test_sticky_keys_are_spread_over_all_members() -> None:
    among = members(*[1] * 5)
    selector, every = Rendezvous(among), Usable(among)
    spread = Counter(selector.choose(every, key).position for key in KEYS)
    assert len(spread) == 5
    assert min(spread.values()) > len(KEYS) / 5 * 0.8


def test_a_large_pool_is_used_wholly() -> None:
    among = members(*[1] * 200)
    selector, every = Rendezvous(among), Usable(among)
    assert len({selector.choose(every, f"key {n}").position for n in range(20_000)}) == 200
