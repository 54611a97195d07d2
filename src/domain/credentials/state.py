"""The state of a credential: its cool-down, its counters and its last error."""

from collections.abc import Collection
from dataclasses import fields, replace
from enum import StrEnum

from modegate.lazy_dataclass import dataclass


class CredentialStatus(StrEnum):
    """What a credential can be used for now."""

    READY = "ready"
    COOLING = "cooling"
    DISABLED = "disabled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cooldown:
    """The time in which a credential is not used; all times are Unix seconds.

    `until` is its end. `resets_at` is later if the upstream asked for a longer time than allowed;
    then one request decides at `until` whether the credential works again.
    """

    reason: str
    since: float
    until: float
    resets_at: float

    @property
    def is_cut(self) -> bool:
        """Whether the upstream asked for a longer time."""
        return self.resets_at > self.until


@dataclass(frozen=True, slots=True)
class LastError:
    """The last failed attempt: the status, None without a response; the code; Unix seconds."""

    status: int | None
    code: str
    at: float


@dataclass(slots=True)
class CredentialState:
    """What is known of one credential; `requests` and `failures` count attempts.

    `switched_at` is the time at which an operator last changed `enabled`. The counts in a row end
    with a good answer.
    """

    enabled: bool = True
    switched_at: float | None = None
    cooldown: Cooldown | None = None
    last_ok_at: float | None = None
    last_error: LastError | None = None
    requests: int = 0
    failures: int = 0
    rate_limits_in_row: int = 0
    server_errors_in_row: int = 0
    # Whether one request is under way that decides about the end of a cut cool-down.
    is_on_trial: bool = False

    def status(self, now: float, expires_at: float | None = None) -> CredentialStatus:
        """Returns the status at a time in Unix seconds."""
        if not self.enabled:
            return CredentialStatus.DISABLED
        if expires_at is not None and now >= expires_at:
            return CredentialStatus.EXPIRED
        if self.is_cooling(now) or self.is_on_trial:
            return CredentialStatus.COOLING
        return CredentialStatus.READY

    def is_cooling(self, now: float) -> bool:
        """Whether the cool-down lasts; no attempt begins while it does."""
        return self.cooldown is not None and now < self.cooldown.until

    def succeed(self, now: float) -> bool:
        """Records a good answer; returns whether more changed than counts and times.

        An answer during a cool-down is of an attempt that began before, and does not end it.
        """
        self.requests += 1
        self.last_ok_at = now
        if self.cooldown is None:
            self.rate_limits_in_row = self.server_errors_in_row = 0
            return False
        if self.is_cooling(now):
            return False
        self.clear()
        return True

    def fail(self, status: int | None, code: str, now: float) -> None:
        """Records a failed attempt."""
        self.requests += 1
        self.failures += 1
        self.last_error = LastError(status, code, now)

    def cool(self, cooldown: Cooldown, now: float) -> None:
        """Begins a cool-down; a longer one that lasts is kept."""
        if self.cooldown is None or not self.is_cooling(now):
            self.cooldown = cooldown
        elif cooldown.resets_at > self.cooldown.resets_at:
            self.cooldown = replace(cooldown, since=self.cooldown.since)

    def switch(self, *, enabled: bool, now: float) -> None:
        """Takes the credential out of use, or brings it back without a cool-down."""
        if enabled != self.enabled:
            self.enabled, self.switched_at = enabled, now
        if enabled:
            self.clear()

    def differences(self, base: "CredentialState") -> frozenset[str]:
        """Returns the names of the fields that differ, apart from counts of attempts."""
        return frozenset(name for name in MERGED if getattr(self, name) != getattr(base, name))

    def merged(self, theirs: "CredentialState", changed: Collection[str]) -> "CredentialState":
        """Returns `theirs` with this state's values of the changed fields."""
        return replace(theirs, **{name: getattr(self, name) for name in changed})

    def copy_from(self, other: "CredentialState") -> None:
        """Takes over all of another state, except a trial of its own."""
        for name in COPIED:
            setattr(self, name, getattr(other, name))

    def clear(self) -> None:
        """Ends the cool-down and all counts in a row."""
        self.cooldown = None
        self.is_on_trial = False
        self.rate_limits_in_row = 0
        self.server_errors_in_row = 0


COUNTS = frozenset({"requests", "failures"})
COPIED = tuple(field.name for field in fields(CredentialState) if field.name != "is_on_trial")
MERGED = tuple(name for name in COPIED if name not in COUNTS)
