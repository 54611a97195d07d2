"""The current state of the backends."""

from dataclasses import dataclass
from enum import StrEnum


class CredentialState(StrEnum):
    """The state of Claude's credentials; `REFUSED` means that the last turn was rejected."""

    OK = "ok"
    LOGIN = "login"
    MISSING = "missing"
    REFUSED = "error"


class PassthroughState(StrEnum):
    """The state of passthrough; under `NO_KEY`, clients with their own key may still be served."""

    OK = "ok"
    DISABLED = "disabled"
    NO_KEY = "no_key"


class StorageState(StrEnum):
    """The state of the session storage, as of the last write."""

    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Capacity:
    """The load of the process pool: running turns, queued turns, and idle processes.

    `warm` counts processes prewarmed for a new session. `live` counts processes that wait for the
    next turn of their session. `maximum` is the number of slots.
    """

    active: int
    queued: int
    warm: int
    live: int
    maximum: int


@dataclass(frozen=True, slots=True)
class ClaudeHealth:
    """The state of the Claude backend: executable found, credentials, and load."""

    executable: bool
    credentials: CredentialState
    capacity: Capacity

    @property
    def can_work(self) -> bool:
        """Whether a turn can succeed: executable found and credentials not missing or refused."""
        return self.executable and self.credentials in {CredentialState.OK, CredentialState.LOGIN}


@dataclass(frozen=True, slots=True)
class Health:
    """The state of both backends, and of the storage that Claude's sessions need."""

    claude: ClaudeHealth
    passthrough: PassthroughState
    clients_may_bring_keys: bool
    storage: StorageState = StorageState.OK

    @property
    def ready(self) -> bool:
        """Whether at least one backend can answer some client; Claude Code also needs storage."""
        passthrough = self.passthrough is PassthroughState.OK or (
            self.passthrough is PassthroughState.NO_KEY and self.clients_may_bring_keys
        )
        return (self.claude.can_work and self.storage is StorageState.OK) or passthrough
