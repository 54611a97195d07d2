"""The strategies and weights of Portkey's targets."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import gcd, lcm

from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.node import Node

LOAD_BALANCE = "loadbalance"
FINEST_WEIGHT = 1000


def strategy_of(mode: str | None, leaves: Sequence[Node]) -> Strategy:
    """Returns the strategy between the credentials of targets."""
    if mode != LOAD_BALANCE:
        return Strategy.FILL_FIRST
    weights = {it.get("weight").number() for it in leaves}
    return Strategy.WEIGHTED if len(weights) > 1 else Strategy.ROUND_ROBIN


def weights_of(leaves: Sequence[Node]) -> list[int]:
    """Returns whole numbers in the proportion of the targets' weights."""
    found = [*_fractions(leaves)]
    scale = lcm(*(it.denominator for it in found))
    whole = [int(it * scale) for it in found]
    return [max(1, it // gcd(*whole)) for it in whole]


def _fractions(leaves: Sequence[Node]) -> Iterator[Fraction]:
    for it in leaves:
        number = it.get("weight").number()
        bounded = 1.0 if number is None else min(max(number, 1 / FINEST_WEIGHT), FINEST_WEIGHT)
        yield Fraction(bounded).limit_denominator(FINEST_WEIGHT)
