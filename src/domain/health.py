"""What can work at this moment."""

from dataclasses import dataclass
from enum import StrEnum


class CredentialState(StrEnum):
    """Claude's credentials: `REFUSED` says that the last turn was turned away for them."""

    OK = "ok"
    LOGIN = "login"
    MISSING = "missing"
    REFUSED = "error"


class PassthroughState(StrEnum):
    """The passthrough backend; `NO_KEY` may still serve clients that bring their own."""

    OK = "ok"
    DISABLED = "disabled"
    NO_KEY = "no_key"


class StorageState(StrEnum):
    """What sessions are kept in: whether the last write to it worked."""

    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Capacity:
    """Slots of the process pool: turns that run, and turns that wait; processes beside them.

    `warm` ones stand ready for a new session, `live` ones for the next turn of theirs.
    """

    active: int
    queued: int
    warm: int
    live: int
    maximum: int


@dataclass(frozen=True, slots=True)
class ClaudeHealth:
    """The Claude backend: whether its executable is there, its credentials, its slots."""

    executable: bool
    credentials: CredentialState
    capacity: Capacity

    @property
    def can_work(self) -> bool:
        """Whether a turn has a chance."""
        return self.executable and self.credentials in {CredentialState.OK, CredentialState.LOGIN}


@dataclass(frozen=True, slots=True)
class Health:
    """Both backends, and the storage that Claude's sessions need."""

    claude: ClaudeHealth
    passthrough: PassthroughState
    clients_may_bring_keys: bool
    storage: StorageState = StorageState.OK

    @property
    def ready(self) -> bool:
        """Whether at least one backend can answer; a turn of Claude needs storage for its session."""
        passthrough = self.passthrough is PassthroughState.OK or (
            self.passthrough is PassthroughState.NO_KEY and self.clients_may_bring_keys
        )
        return (self.claude.can_work and self.storage is StorageState.OK) or passthrough
