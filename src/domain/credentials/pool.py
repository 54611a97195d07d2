"""The credentials of one upstream, with their states and the strategy that chooses among them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace

from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.error_rules import ErrorRule
from modegate.domain.credentials.member import Member, Usable
from modegate.domain.credentials.selection import Strategy, selector_for
from modegate.domain.credentials.state import CredentialState, CredentialStatus
from modegate.domain.credentials.verdict import (
    Cause,
    Cooldowns,
    Failure,
    Verdict,
    cause_of,
    cool_down,
    judge,
)
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import credentials as errors
from modegate.lazy_dataclass import dataclass

FOREVER = float("inf")
OUT_OF_USE = frozenset({CredentialStatus.DISABLED, CredentialStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRules:
    """How a pool chooses, and what failures do to its credentials."""

    strategy: Strategy = Strategy.FILL_FIRST
    error_rules: Sequence[ErrorRule] = ()
    cooldowns: Cooldowns = field(default_factory=Cooldowns)


class CredentialPool:
    """Chooses a credential for each attempt and learns from its outcome.

    Times are Unix seconds. Not thread-safe: one event loop uses it.
    """

    def __init__(
        self,
        credentials: Sequence[Credential],
        rules: PoolRules,
        states: Mapping[str, CredentialState] | None = None,
    ) -> None:
        known = states or {}
        self._rules = rules
        self._members = {
            credential.id: Member(credential, known.get(credential.id) or CredentialState(), at)
            for at, credential in enumerate(credentials)
        }
        self._selector = selector_for(rules.strategy, list(self._members.values()))
        self._usable = Usable()
        self._in_use = 0
        self._changes_at = -FOREVER

    def __iter__(self) -> Iterator[Member]:
        """The members in the order of the file."""
        return iter(self._members.values())

    def find(self, credential_id: str) -> Member | None:
        """Returns the member with this id, or None."""
        return self._members.get(credential_id)

    def choose(
        self, now: float, sticky_key: str = "", asked: Collection[str] = ()
    ) -> Member | None:
        """Returns the credential for the next attempt, or None; those in `asked` are skipped."""
        usable = self._refreshed(now)
        if asked:
            usable = Usable([it for it in usable.members if it.credential.id not in asked])
        if not usable.members:
            return None
        # A failover takes no turn of the strategy, so the turns of others stay exact.
        sticky = self._rules.strategy is Strategy.STICKY
        member = usable.members[0]
        if sticky or not asked:
            member = self._selector.choose(usable, sticky_key)
        if member.state.cooldown is not None and member.state.cooldown.is_cut:
            member.state.is_on_trial = True
            self.refresh()
        return member

    def succeed(self, member: Member, now: float) -> bool:
        """Records a good answer; returns whether the state changed."""
        changed = member.state.succeed(now)
        if changed:
            self.refresh()
        return changed

    def fail(self, member: Member, failure: Failure, now: float) -> Verdict:
        """Records a failed attempt, and cools the credential if the table says so."""
        state, cause = member.state, cause_of(failure)
        _count_in_row(state, cause, now)
        verdict = judge(failure, state, self._rules.error_rules, self._rules.cooldowns)
        if cause is Cause.REQUEST and verdict.cools_s is None:
            state.requests += 1
        else:
            state.fail(failure.status, failure.code, now)
        cooldown = cool_down(verdict, self._rules.cooldowns, now)
        if cooldown is not None and self.can_cool(now):
            state.cool(cooldown, now)
        state.is_on_trial = False
        self.refresh()
        return verdict

    def release(self, member: Member) -> None:
        """Ends a trial without an outcome, such as that of a client that disconnected."""
        if member.state.is_on_trial:
            member.state.is_on_trial = False
            self.refresh()

    def can_cool(self, now: float) -> bool:
        """Whether a second credential is in use: the errors of a single one reach the client."""
        self._refreshed(now)
        return self._in_use > 1

    def usable(self, now: float) -> int:
        """Returns the number of credentials that can be used now."""
        return len(self._refreshed(now).members)

    def unavailable(self, now: float) -> GatewayError:
        """Returns the error for a pool without a usable credential."""
        soonest = [
            member.state.cooldown.resets_at
            for member in self
            if member.state.cooldown is not None
            and _status(member, now) is CredentialStatus.COOLING
        ]
        if not soonest:
            return errors.none_in_use()
        return errors.all_cooling(max(min(soonest) - now, 0.0))

    def cool_by(self, cooldowns: Cooldowns) -> None:
        """Uses other times for the cool-downs that begin from now on."""
        self._rules = replace(self._rules, cooldowns=cooldowns)

    def refresh(self) -> None:
        """Makes the next choice look at all states again; call it after a state was changed."""
        self._changes_at = -FOREVER

    def _refreshed(self, now: float) -> Usable:
        if now < self._changes_at:
            return self._usable
        in_use = [it for it in self if _status(it, now) not in OUT_OF_USE]
        self._in_use = len(in_use)
        members = [it for it in in_use if _status(it, now) is CredentialStatus.READY]
        if len(in_use) == 1:  # a single one never cools, also if the others are disabled later
            members = in_use
        if members != list(self._usable.members):  # selectors keep their turns while it is the same
            self._usable = Usable(members)
        self._changes_at = min((_next_change(it, now) for it in self), default=FOREVER)
        return self._usable


def _status(member: Member, now: float) -> CredentialStatus:
    return member.state.status(now, member.credential.expires_at)


def _next_change(member: Member, now: float) -> float:
    """Returns the next time at which the member's status changes by itself."""
    cooldown, expires_at = member.state.cooldown, member.credential.expires_at
    times = (cooldown.until if cooldown else FOREVER, FOREVER if expires_at is None else expires_at)
    return min((at for at in times if at > now), default=FOREVER)


def _count_in_row(state: CredentialState, cause: Cause, now: float) -> None:
    # Of many requests at once, only the first one begins a cool-down.
    if cause is Cause.RATE_LIMIT and not state.is_cooling(now):
        state.rate_limits_in_row += 1
    if cause is Cause.SERVER:
        state.server_errors_in_row += 1
    elif cause is not Cause.REQUEST:
        state.server_errors_in_row = 0
