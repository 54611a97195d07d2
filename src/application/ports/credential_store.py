"""The port for the states of credentials."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from modegate.domain.credentials.state import MERGED, CredentialState
from modegate.lazy_dataclass import dataclass

EVERY_FIELD = frozenset(MERGED)


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
    """A change to store: the fields of the state named in `changed`, and counts to add.

    Other fields stay as another gateway may have stored them.
    """

    id: str
    secret_digest: str
    state: CredentialState
    changed: frozenset[str] = EVERY_FIELD
    requests: int = 0
    failures: int = 0

    def applied_to(self, stored: StoredCredential | None) -> CredentialState:
        """Returns the state to store in place of `stored`, the present one of the same id."""
        theirs = CredentialState()
        if stored is not None and stored.secret_digest == self.secret_digest:
            theirs = stored.state
        elif stored is not None:  # another key's: only the operator's decision remains
            theirs = CredentialState(
                enabled=stored.state.enabled, switched_at=stored.state.switched_at
            )
        return replace(
            self.state.merged(theirs, self.changed),
            requests=theirs.requests + self.requests,
            failures=theirs.failures + self.failures,
        )


class CredentialStore(Protocol):
    """Stores the states of credentials; several gateways may share a store."""

    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        """Returns the states with a revision above `after`, in any order.

        Raises:
            StorageError: the store cannot be read.
        """
        ...

    async def save(self, changes: Sequence[CredentialChange]) -> None:
        """Applies each change to the stored state of its id, with a new revision.

        All or nothing. When it returns, the changes survive the end of the process, if the store
        outlives processes at all. A cancellation does not interrupt the write.

        Raises:
            StorageError: the store cannot be written.
        """
        ...
