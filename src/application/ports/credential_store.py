"""The port for the states of credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from modegate.domain.credentials.state import CredentialState


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredential:
    """The state of a credential as last stored; `requests` and `failures` in it are totals.

    `secret_digest` tells whether the state belongs to the present key. `revision` grows with each
    change of any credential.
    """

    id: str
    secret_digest: str
    state: CredentialState
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialChange:
    """A state to store; its counts are those since the last change that was stored."""

    id: str
    secret_digest: str
    state: CredentialState
    requests: int = 0
    failures: int = 0


class CredentialStore(Protocol):
    """Stores the states of credentials; several gateways may share a store."""

    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        """Returns the states with a revision above `after`, in any order.

        Raises:
            StorageError: the store cannot be read.
        """
        ...

    async def save(self, changes: Sequence[CredentialChange]) -> None:
        """Stores the states, each with a new revision, and adds their counts to the totals.

        All or nothing. A change whose digest differs from the stored one begins new totals.

        Raises:
            StorageError: the store cannot be written.
        """
        ...
