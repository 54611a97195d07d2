"""States of credentials in memory; they end with the process."""

from collections.abc import Sequence
from dataclasses import replace

from modegate.application.ports.credential_store import CredentialChange, StoredCredential


class MemoryCredentialStore:
    """Keeps the states in a dictionary, for gateways without a state folder and for tests."""

    def __init__(self) -> None:
        self._rows: dict[str, StoredCredential] = {}
        self._revision = 0

    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        """Returns the states with a revision above `after`."""
        return [
            replace(row, state=replace(row.state))
            for row in self._rows.values()
            if row.revision > after
        ]

    async def save(self, changes: Sequence[CredentialChange]) -> None:
        """Stores the states and adds their counts."""
        for change in changes:
            self._revision += 1
            known = self._rows.get(change.id)
            same = known is not None and known.secret_digest == change.secret_digest
            requests = known.state.requests if known and same else 0
            failures = known.state.failures if known and same else 0
            state = replace(
                change.state,
                requests=requests + change.requests,
                failures=failures + change.failures,
            )
            self._rows[change.id] = StoredCredential(
                id=change.id,
                secret_digest=change.secret_digest,
                state=state,
                revision=self._revision,
            )
