"""The members of a pool of credentials."""

from collections.abc import Sequence
from dataclasses import field

from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.state import CredentialState
from modegate.lazy_dataclass import dataclass


@dataclass(slots=True, eq=False)
class Member:
    """A credential of a pool, its state, and its position in the order of the file."""

    credential: Credential
    state: CredentialState
    position: int


@dataclass(frozen=True, slots=True)
class Usable:
    """The usable members of a pool in the order of the file; replaced when they change."""

    members: Sequence[Member] = ()
    positions: Sequence[int] = field(init=False, repr=False)
    position_set: frozenset[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        positions = [member.position for member in self.members]
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "position_set", frozenset(positions))
