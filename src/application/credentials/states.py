"""The states of credentials, loaded from a store and saved behind the requests."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field, replace

from modegate.application.ports.credential_store import (
    CredentialChange,
    CredentialStore,
    StoredCredential,
)
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.state import CredentialState
from modegate.domain.errors import GatewayError
from modegate.lazy_dataclass import dataclass


@dataclass(slots=True, eq=False)
class _Known:
    """A state in use. `base` is the state that the store has, as far as it is known here.

    `unstored` are fields to store although they equal `base`. `saves` counts the saves under way.
    """

    digest: str
    state: CredentialState
    base: CredentialState
    unstored: set[str] = field(default_factory=set)
    saves: int = 0


def noop(*, urgent: bool) -> None:
    """No-op callback."""


class CredentialStates:
    """Keeps one state for each credential id. A request never waits for a write.

    A key that differs from the stored one begins with a new state, except that a disabled
    credential stays disabled. Only what changed here is stored, so that gateways with the same
    store do not undo each other's changes. `on_change` is called when a state should be saved,
    urgently or not. `on_merge` is called after changes of other gateways were merged.
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
        if not changed:
            return
        revision, is_complete = max(it.revision for it in changed), True
        for stored in changed:
            self._stored[stored.id] = stored
            known = self._known.get(stored.id)
            if known is not None and known.saves:  # it may have been read before that save
                is_complete = False
            elif known is not None:
                _take_over(known, stored)
        if is_complete:
            self._revision = revision
        self.on_merge()

    def of(self, credential: Credential) -> CredentialState:
        """Returns the state of a credential; the same object for the same key."""
        return self.named(credential.id, digest_of(credential))

    def named(self, credential_id: str, digest: str = "") -> CredentialState:
        """Returns the state under an id, for a credential whose key is not known here."""
        known = self._known.get(credential_id)
        if known is None or known.digest != digest:
            state = CredentialState()
            if known is not None:
                state.enabled, state.switched_at = known.state.enabled, known.state.switched_at
            known = _Known(digest, state, CredentialState())
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
        self._unsaved.clear()
        begun = [(self._known[it], _begin_save(it, self._known[it])) for it in ids]
        if not begun:
            return
        try:
            await self._store.save([change for _, change in begun])
        except Exception:  # a cancelled save may have been stored, so it is not repeated
            for known, change in begun:
                _undo_save(known, change)
            self._unsaved.update(ids)
            raise
        finally:
            for known, _ in begun:
                known.saves -= 1

    async def aclose(self) -> None:
        """Saves what is unsaved, if that is possible. Idempotent."""
        with suppress(GatewayError):
            await self.save()


def digest_of(credential: Credential) -> str:
    """Returns a digest of the key that does not reveal it, for comparison only."""
    text = credential.id.encode("utf-8", "surrogatepass") + credential.key.digest
    return hashlib.sha256(text).hexdigest()[:32]


def _take_over(known: _Known, stored: StoredCredential) -> None:
    """Merges a stored state into the one in use; what changed here is kept."""
    theirs = stored.state
    if known.digest != stored.secret_digest:
        theirs = CredentialState(enabled=theirs.enabled, switched_at=theirs.switched_at)
    mine, base = known.state, known.base
    merged = mine.merged(theirs, mine.differences(base) | known.unstored)
    merged.requests += mine.requests - base.requests
    merged.failures += mine.failures - base.failures
    known.state.copy_from(merged)
    known.base = replace(theirs)


def _begin_save(credential_id: str, known: _Known) -> CredentialChange:
    """Returns the change, and counts it as stored, so that no other save stores it again."""
    change = CredentialChange(
        id=credential_id,
        secret_digest=known.digest,
        state=replace(known.state),
        changed=known.state.differences(known.base) | known.unstored,
        requests=known.state.requests - known.base.requests,
        failures=known.state.failures - known.base.failures,
    )
    known.base = replace(known.state)
    known.unstored.clear()
    known.saves += 1
    return change


def _undo_save(known: _Known, change: CredentialChange) -> None:
    known.unstored |= change.changed
    known.base.requests -= change.requests
    known.base.failures -= change.failures
