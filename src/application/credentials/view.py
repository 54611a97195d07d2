"""What operators see of a credential."""

from dataclasses import replace

from modegate.application.credentials.claude import ClaudeCredential
from modegate.domain.credentials.member import Member
from modegate.domain.credentials.quota_windows import QuotaWindows
from modegate.domain.credentials.state import CredentialState, CredentialStatus, LastError
from modegate.domain.health import CredentialState as LoginState
from modegate.domain.routing.route import CLAUDE
from modegate.lazy_dataclass import dataclass

SWITCHED_OFF = "disabled by an operator"
NO_LOGIN = "no login and no key"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialView:
    """A credential at one moment; times are Unix seconds of the machine's clock.

    `key` is masked. `since` is the time since which the status holds, `next_retry_at` that of the
    next attempt after a cool-down; None if unknown. `windows` are those of Claude's login.
    """

    id: str
    upstream: str
    key: str | None
    status: CredentialStatus
    reason: str | None = None
    since: float | None = None
    next_retry_at: float | None = None
    last_ok_at: float | None = None
    last_error: LastError | None = None
    requests: int = 0
    failures: int = 0
    windows: QuotaWindows | None = None

    @classmethod
    def _known(
        cls, names: tuple[str, str, str | None], state: CredentialState, shift: float
    ) -> "CredentialView":
        """Returns what is shown under every status."""
        error = state.last_error
        return cls(
            id=names[0],
            upstream=names[1],
            key=names[2],
            status=CredentialStatus.READY,
            last_ok_at=_shifted(state.last_ok_at, shift),
            last_error=None if error is None else replace(error, at=error.at + shift),
            requests=state.requests,
            failures=state.failures,
        )

    @classmethod
    def of(cls, upstream: str, member: Member, now: float, shift: float) -> "CredentialView":
        """Returns the view of a pool's member; `shift` leads to the machine's clock."""
        credential, state = member.credential, member.state
        status = state.status(now, credential.expires_at)
        names = credential.id, upstream, str(credential.key)
        view = replace(cls._known(names, state, shift), status=status)
        if status is CredentialStatus.EXPIRED:
            return replace(view, reason="expired", since=credential.expires_at)
        if status is CredentialStatus.DISABLED:
            return _disabled(view, state, shift)
        if status is CredentialStatus.COOLING and (cooldown := state.cooldown) is not None:
            reason = cooldown.reason
            if cooldown.is_cut:
                reason += f"; the upstream asked for {cooldown.resets_at - cooldown.since:.0f} s"
            return replace(
                view,
                reason=reason,
                since=cooldown.since + shift,
                next_retry_at=cooldown.until + shift,
            )
        return view

    @classmethod
    def of_claude(cls, claude: ClaudeCredential, shift: float) -> "CredentialView":
        """Returns the view of Claude Code's credential."""
        names = CLAUDE, CLAUDE, claude.label
        known = cls._known(names, claude.state, shift)
        view = replace(known, status=claude.status, windows=claude.windows)
        if view.status is CredentialStatus.DISABLED:
            return _disabled(view, claude.state, shift)
        missing = claude.login is LoginState.MISSING
        return replace(view, reason=NO_LOGIN) if missing else view


def _disabled(view: CredentialView, state: CredentialState, shift: float) -> CredentialView:
    return replace(view, reason=SWITCHED_OFF, since=_shifted(state.switched_at, shift))


def _shifted(at: float | None, shift: float) -> float | None:
    return None if at is None else at + shift
