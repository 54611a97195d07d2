"""Rendezvous hashing: the same key chooses the same credential, in every process.

Each pair of key and credential has a score, and the highest one wins. While a credential is not
usable, its keys alone move. Large pools are split into groups, which are ranked first, so that a
choice among a thousand computes 64 scores.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import isqrt

from modegate.domain.credentials.member import Member, Usable
from modegate.lazy_dataclass import dataclass

# Up to this size a pool is one group.
MAX_GROUP = 32
MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class _Group:
    seeds: Sequence[int]
    members: Sequence[Member]


class Rendezvous:
    """Chooses by the sticky key; without one, by the empty key."""

    def __init__(self, members: Sequence[Member]) -> None:
        seeded = sorted((_hash(it.credential.id)[0], it.position, it) for it in members)
        groups = 1 if len(seeded) <= MAX_GROUP else isqrt(len(seeded)) + 1
        parts = [seeded[at::groups] for at in range(groups)]
        self._groups = [_Group([it[0] for it in part], [it[2] for it in part]) for part in parts]
        self._group_seeds = [_hash(f"group {at}")[0] for at in range(groups)]

    def choose(self, usable: Usable, sticky_key: str) -> Member:
        """Returns the usable member with the highest score."""
        key = _hash(sticky_key)
        for at in _ranked(key, self._group_seeds):
            group = self._groups[at]
            for place in _ranked(key, group.seeds):
                member = group.members[place]
                if member.position in usable.position_set:
                    return member
        return usable.members[0]


def _ranked(key: tuple[int, int], seeds: Sequence[int]) -> Iterator[int]:
    """Yields the places of the seeds, those with the highest scores first."""
    mask, multiplier = key
    scores = [((mask ^ seed) * multiplier) & MASK for seed in seeds]
    # The first one is nearly always usable, and finding it needs no sorting.
    yield scores.index(max(scores))
    yield from sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[1:]


def _hash(text: str) -> tuple[int, int]:
    """Returns two numbers of 64 bits, the second one odd: a multiplier that loses no bit."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:]) | 1
