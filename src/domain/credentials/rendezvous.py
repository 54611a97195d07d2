"""Rendezvous hashing: the same key chooses the same credential, in every process.

Each pair of key and credential has a score, and the highest one wins. While a credential is not
usable, its keys alone move. Large pools are split into groups, which are ranked first, so that a
choice among a thousand takes as long as one among sixty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import isqrt

from modegate.domain.credentials.member import Member, Usable

# Up to this size a pool is one group.
MAX_GROUP = 32
MASK = 2**64 - 1
# A multiplier of the finalizer of MurmurHash3, which spreads each bit over all others.
MULTIPLIER = 0xFF51AFD7ED558CCD


@dataclass(frozen=True, slots=True)
class _Group:
    seed: int
    members: tuple[tuple[int, Member], ...]


class Rendezvous:
    """Chooses by the sticky key; without one, by the empty key."""

    def __init__(self, members: Sequence[Member]) -> None:
        seeded = sorted(
            (_hash(member.credential.id), member.position, member) for member in members
        )
        size = len(seeded) if len(seeded) <= MAX_GROUP else isqrt(len(seeded)) + 1
        parts = [seeded[at : at + size] for at in range(0, len(seeded), size)]
        self._groups = [
            _Group(part[0][0], tuple((seed, member) for seed, _, member in part)) for part in parts
        ]

    def choose(self, usable: Usable, sticky_key: str) -> Member:
        """Returns the usable member with the highest score."""
        key = _hash(sticky_key)
        allowed = usable.position_set
        if len(self._groups) == 1:
            return _best(key, self._groups[0], allowed) or usable.members[0]
        ranked = sorted(
            self._groups, key=lambda group: _score(key, ~group.seed & MASK), reverse=True
        )
        found = (_best(key, group, allowed) for group in ranked)
        return next((member for member in found if member is not None), usable.members[0])


def _best(key: int, group: _Group, allowed: frozenset[int]) -> Member | None:
    best, found = -1, None
    for seed, member in group.members:
        score = _score(key, seed)
        if score > best and member.position in allowed:
            best, found = score, member
    return found


def _score(key: int, seed: int) -> int:
    mixed = ((key ^ seed) * MULTIPLIER) & MASK
    mixed ^= mixed >> 33
    return (mixed * MULTIPLIER) & MASK


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)
