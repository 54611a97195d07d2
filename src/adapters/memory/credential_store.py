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
        """Applies the changes."""
        for change in changes:
            self._revision += 1
            self._rows[change.id] = StoredCredential(
                id=change.id,
                secret_digest=change.secret_digest,
                state=change.applied_to(self._rows.get(change.id)),
                revision=self._revision,
            )
