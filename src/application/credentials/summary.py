"""A summary of all credentials, for health checks and metrics."""

from collections import Counter
from collections.abc import Iterator, Mapping

from modegate.application.credentials.claude import ClaudeCredential
from modegate.application.credentials.pools import CredentialPools
from modegate.application.ports.clock import Clock
from modegate.domain.credentials.member import Member
from modegate.domain.credentials.state import CredentialState, CredentialStatus
from modegate.domain.health import CredentialsCheck
from modegate.domain.routing.route import CLAUDE
from modegate.lazy_dataclass import dataclass

USABLE = frozenset({CredentialStatus.READY, CredentialStatus.UNKNOWN})
TRANSIENT = frozenset({CredentialStatus.COOLING, CredentialStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class CredentialFigures:
    """A credential in figures; `expires_in_s` is None if it never expires."""

    upstream: str
    id: str
    status: CredentialStatus
    requests: int
    failures: int
    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSummary:
    """Reads the states of all credentials; asks no upstream."""

    pools: CredentialPools
    claude: ClaudeCredential
    clock: Clock

    def figures(self) -> Iterator[CredentialFigures]:
        """Yields Claude Code's credential, then those of the upstreams."""
        yield _figures(CLAUDE, CLAUDE, self.claude.status, self.claude.state)
        now = self.clock.now()
        for upstream, pool in self.pools.current():
            for member in pool:
                yield _of_member(upstream.name, member, now)

    def check(self) -> CredentialsCheck:
        """Returns the worst state: none usable of an upstream, or one that needs attention."""
        figures = list(self.figures())
        upstreams = {it.upstream for it in figures}
        if upstreams - {it.upstream for it in figures if it.status in USABLE}:
            return CredentialsCheck.ERROR
        warning_s = self.pools.configuration.current().expiry_warning_s
        if any(_needs_attention(it, warning_s) for it in figures):
            return CredentialsCheck.WARN
        return CredentialsCheck.OK

    def counts(self) -> Mapping[tuple[str, CredentialStatus], int]:
        """Returns the number of credentials by upstream and status, zeros included."""
        figures = list(self.figures())
        counts = Counter((it.upstream, it.status) for it in figures)
        upstreams = dict.fromkeys(it.upstream for it in figures)
        return {
            (upstream, status): counts[upstream, status]
            for upstream in upstreams
            for status in CredentialStatus
        }


def _needs_attention(figures: CredentialFigures, warning_s: float) -> bool:
    expires_in_s = figures.expires_in_s
    expires_soon = expires_in_s is not None and expires_in_s <= warning_s
    is_in_use = figures.status is not CredentialStatus.DISABLED
    return is_in_use and (expires_soon or figures.status in TRANSIENT)


def _of_member(upstream: str, member: Member, now: float) -> CredentialFigures:
    expires_at = member.credential.expires_at
    status = member.state.status(now, expires_at)
    left = None if expires_at is None else expires_at - now
    return _figures(upstream, member.credential.id, status, member.state, left)


def _figures(
    upstream: str,
    credential_id: str,
    status: CredentialStatus,
    state: CredentialState,
    expires_in_s: float | None = None,
) -> CredentialFigures:
    return CredentialFigures(
        upstream, credential_id, status, state.requests, state.failures, expires_in_s
    )
