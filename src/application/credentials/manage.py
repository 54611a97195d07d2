"""The use cases of operators: list credentials, and take them out of use and back."""

from collections.abc import Sequence
from contextlib import suppress

from modegate.application.credentials.claude import ClaudeCredential
from modegate.application.credentials.pools import CredentialPools
from modegate.application.credentials.view import CredentialView
from modegate.application.ports.clock import Clock
from modegate.domain.credentials.member import Member
from modegate.domain.credentials.pool import CredentialPool
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import credentials as errors
from modegate.domain.routing.route import CLAUDE
from modegate.domain.routing.upstream import Upstream
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A credential of an upstream, with its pool."""

    upstream: Upstream
    pool: CredentialPool
    member: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageCredentials:
    """Manages the credentials of all upstreams, and Claude Code's under the id `CLAUDE`."""

    pools: CredentialPools
    claude: ClaudeCredential
    clock: Clock

    def list(self) -> Sequence[CredentialView]:
        """Returns Claude Code's credential, then the upstreams' in the order of the file."""
        now, shift = self.clock.now(), self._shift()
        views = [CredentialView.of_claude(self.claude, shift)]
        for upstream, pool in self.pools.current():
            views += [CredentialView.of(upstream.name, member, now, shift) for member in pool]
        return views

    def get(self, credential_id: str) -> CredentialView:
        """Returns one credential.

        Raises:
            CredentialNotFoundError: no credential has this id.
        """
        if credential_id == CLAUDE:
            return CredentialView.of_claude(self.claude, self._shift())
        found = self.find(credential_id)
        return CredentialView.of(found.upstream.name, found.member, self.clock.now(), self._shift())

    async def switch(self, credential_id: str, *, enabled: bool) -> CredentialView:
        """Enables or disables a credential, and returns it when the change is stored.

        The next request obeys, and running ones finish. Enabling ends a cool-down.

        Raises:
            CredentialNotFoundError: no credential has this id.
            StorageError: the change holds in this process, but is not stored yet.
        """
        states = self.pools.states
        with suppress(GatewayError):  # another gateway's cool-down ends, too
            await states.merge()
        if credential_id == CLAUDE:
            self.claude.state.switch(enabled=enabled, now=self.clock.now())
        else:
            found = self.find(credential_id)
            found.member.state.switch(enabled=enabled, now=self.clock.now())
            found.pool.refresh()
        states.note(credential_id, urgent=True)
        await states.save()
        return self.get(credential_id)

    def find(self, credential_id: str) -> Found:
        """Returns an upstream's credential by its id.

        Raises:
            CredentialNotFoundError: no upstream has it.
        """
        for upstream, pool in self.pools.current():
            if (member := pool.find(credential_id)) is not None:
                return Found(upstream, pool, member)
        raise errors.unknown()

    def _shift(self) -> float:
        """Returns the seconds from the clock of ages to the clock that operators read."""
        return round(self.clock.time_of_day() - self.clock.now())
