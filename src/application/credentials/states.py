"""The states of credentials, loaded from a store and saved behind the requests."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from modegate.application.ports.credential_store import (
    CredentialChange,
    CredentialStore,
    StoredCredential,
)
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.state import CredentialState
from modegate.domain.errors import GatewayError


@dataclass(slots=True)
class _Known:
    """A state in use; `requests` and `failures` are those that the store has."""

    digest: str
    state: CredentialState
    requests: int = 0
    failures: int = 0


def noop(*, urgent: bool) -> None:
    """No-op callback."""


class CredentialStates:
    """Keeps one state for each credential id. A request never waits for a write.

    A key that differs from the stored one begins with a new state, except that a disabled
    credential stays disabled. `on_change` is called when a state should be saved, urgently or not.
    `on_merge` is called after changes of other gateways were merged.
    """

    def __init__(self, store: CredentialStore) -> None:
        self.on_change: Callable[..., None] = noop
        self.on_merge: Callable[[], object] = lambda: None
        self.is_loaded = False
        self._store = store
        self._known: dict[str, _Known] = {}
        self._stored: dict[str, StoredCredential] = {}
        self._unsaved: set[str] = set()
        self._revision = 0

    async def load(self) -> None:
        """Reads the stored states once; without a usable store, all credentials begin anew."""
        with suppress(GatewayError):
            await self.merge()
        self.is_loaded = True

    async def merge(self) -> None:
        """Takes over what was stored since the last call, also by other gateways.

        Raises:
            StorageError: the store cannot be read.
        """
        changed = await self._store.load(self._revision)
        for stored in changed:
            self._revision = max(self._revision, stored.revision)
            self._stored[stored.id] = stored
            if stored.id in self._known and stored.id not in self._unsaved:
                _take_over(self._known[stored.id], stored)
        if changed:
            self.on_merge()

    def of(self, credential: Credential) -> CredentialState:
        """Returns the state of a credential; the same object for the same key."""
        return self.named(credential.id, digest_of(credential))

    def named(self, credential_id: str, digest: str = "") -> CredentialState:
        """Returns the state under an id, for a credential whose key is not known here."""
        known = self._known.get(credential_id)
        if known is None or known.digest != digest:
            is_enabled = known is None or known.state.enabled
            known = _Known(digest, CredentialState(enabled=is_enabled))
            if (stored := self._stored.get(credential_id)) is not None:
                _take_over(known, stored)
            self._known[credential_id] = known
        return known.state

    def note(self, credential_id: str, *, urgent: bool) -> None:
        """Marks a state as unsaved; counts alone are not urgent."""
        self._unsaved.add(credential_id)
        self.on_change(urgent=urgent)

    async def save(self) -> None:
        """Saves all changes now.

        Raises:
            StorageError: the store cannot be written; the changes are kept for the next save.
        """
        ids = list(self._unsaved)
        changes = [_change(credential_id, self._known[credential_id]) for credential_id in ids]
        if not changes:
            return
        self._unsaved.clear()
        try:
            await self._store.save(changes)
        except BaseException:
            self._unsaved.update(ids)
            raise
        for change in changes:
            known = self._known[change.id]
            if known.digest == change.secret_digest:
                known.requests += change.requests
                known.failures += change.failures

    async def aclose(self) -> None:
        """Saves what is unsaved, if that is possible. Idempotent."""
        with suppress(GatewayError):
            await self.save()


def digest_of(credential: Credential) -> str:
    """Returns a digest of the key that does not reveal it, for comparison only."""
    text = credential.id.encode("utf-8", "surrogatepass") + credential.key.digest
    return hashlib.sha256(text).hexdigest()[:32]


def _take_over(known: _Known, stored: StoredCredential) -> None:
    known.state.enabled = stored.state.enabled
    if known.digest != stored.secret_digest:
        return
    unsaved_requests = known.state.requests - known.requests
    unsaved_failures = known.state.failures - known.failures
    known.requests, known.failures = stored.state.requests, stored.state.failures
    known.state.copy_from(stored.state)
    known.state.requests += unsaved_requests
    known.state.failures += unsaved_failures


def _change(credential_id: str, known: _Known) -> CredentialChange:
    return CredentialChange(
        id=credential_id,
        secret_digest=known.digest,
        state=replace(known.state),
        requests=known.state.requests - known.requests,
        failures=known.state.failures - known.failures,
    )
