"""The current state of the backends."""

from collections.abc import Mapping
from enum import StrEnum

from modegate.domain.credentials.quota_windows import QuotaWindows
from modegate.lazy_dataclass import dataclass


class CredentialState(StrEnum):
    """The state of Claude's credentials; `REFUSED` means that the last turn was rejected."""

    OK = "ok"
    LOGIN = "login"
    MISSING = "missing"
    REFUSED = "error"


class PassthroughState(StrEnum):
    """The state of all upstreams; under `NO_KEY`, clients with their own key may still be served."""

    OK = "ok"
    DISABLED = "disabled"
    NO_KEY = "no_key"


class CredentialsCheck(StrEnum):
    """The state of all credentials: `WARN` if some cannot be used, `ERROR` if an upstream has none.

    Some means at least one that cools down, has expired, or expires soon.
    """

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


class StorageState(StrEnum):
    """The state of the storage, as of the last write."""

    OK = "ok"
    ERROR = "error"


class StoreState(StrEnum):
    """The state of a shared store: while it is away, `WARN` if limits go on here, else `ERROR`."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The state of a shared store, and the number of gateways that were last seen in it."""

    state: StoreState
    gateways: int


class ArchiveState(StrEnum):
    """The state of the archive of transcripts: `WARN` while it cannot be used."""

    OK = "ok"
    WARN = "warn"


class LedgerState(StrEnum):
    """The state of the usage ledger: `WARN` while rows cannot be written."""

    OK = "ok"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Capacity:
    """The load of the process pool: running turns, queued turns, and idle processes.

    `warm` counts processes prewarmed for a new session. `live` counts processes that wait for the
    next turn of their session. `parked` counts turns that wait for the results of a client's tools,
    without a slot. `maximum` is the number of slots.
    """

    active: int
    queued: int
    warm: int
    live: int
    maximum: int
    parked: int = 0


@dataclass(frozen=True, slots=True)
class ClaudeHealth:
    """The state of an answer backend: executable found, credentials, load, and quota windows.

    `windows` are those of the account; None if none are known, as with a key.
    """

    executable: bool
    credentials: CredentialState
    capacity: Capacity
    windows: QuotaWindows | None = None

    @property
    def can_work(self) -> bool:
        """Whether a turn can succeed: executable found and credentials not missing or refused."""
        return self.executable and self.credentials in {CredentialState.OK, CredentialState.LOGIN}


@dataclass(frozen=True, slots=True)
class UpstreamHealth:
    """The state of an upstream, as far as the configuration determines it."""

    has_credential: bool
    accepts_client_keys: bool

    @property
    def can_work(self) -> bool:
        """Whether a request of some client can be authorized."""
        return self.has_credential or self.accepts_client_keys


@dataclass(frozen=True, slots=True)
class Health:
    """The state of each backend by its name, and of the storage that sessions need.

    `answering` are the answer backends, which need the storage. `upstreams` are those that requests
    are relayed to. Without the archive of `transcripts`, sessions go on where they are.
    """

    answering: Mapping[str, ClaudeHealth]
    upstreams: Mapping[str, UpstreamHealth]
    storage: StorageState = StorageState.OK
    credentials: CredentialsCheck = CredentialsCheck.OK
    ledger: LedgerState = LedgerState.OK
    store: StoreHealth | None = None
    transcripts: ArchiveState | None = None

    @property
    def ready(self) -> bool:
        """Whether at least one backend can answer some client, whom the limits admit."""
        if self.store is not None and self.store.state is StoreState.ERROR:
            return False
        answering = any(backend.can_work for backend in self.answering.values())
        relaying = any(upstream.can_work for upstream in self.upstreams.values())
        return (answering and self.storage is StorageState.OK) or relaying

    @property
    def passthrough(self) -> PassthroughState:
        """The state of all upstreams together."""
        if not self.upstreams:
            return PassthroughState.DISABLED
        has_credential = any(upstream.has_credential for upstream in self.upstreams.values())
        return PassthroughState.OK if has_credential else PassthroughState.NO_KEY
