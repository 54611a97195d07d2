"""The pools of credentials, one for each upstream."""

from collections.abc import Callable, Iterator

from modegate.application.credentials.states import CredentialStates
from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.domain.credentials.member import Member
from modegate.domain.credentials.pool import CredentialPool, PoolRules
from modegate.domain.credentials.state import Cooldown
from modegate.domain.credentials.verdict import Failure, Verdict
from modegate.domain.routing.upstream import Upstream


def noop(_: str, __: Cooldown) -> None:
    """No-op callback."""


class CredentialPools:
    """Builds a pool for each upstream of the configuration, and passes outcomes to it.

    A changed upstream gets a new pool; its credentials keep their states. A request that began
    before the change gets a pool of its own, so that it does not replace the new one.
    `on_cooldown` is called with the id of a credential whose cool-down begins or is extended.
    """

    def __init__(
        self, configuration: ConfigurationSource, states: CredentialStates, clock: Clock
    ) -> None:
        self.states = states
        self.now = clock.now
        self.time_of_day = clock.time_of_day
        self.configuration = configuration
        self.on_cooldown: Callable[[str, Cooldown], None] = noop
        self._pools: dict[str, tuple[Upstream, CredentialPool]] = {}
        states.on_merge = self._refresh

    def of(self, upstream: Upstream) -> CredentialPool:
        """Returns the pool of an upstream."""
        known = self._pools.get(upstream.name)
        if known is not None and known[0] is upstream:
            return known[1]
        pool = self._build(upstream)
        if any(it is upstream for it in self._upstreams()):
            self._pools[upstream.name] = upstream, pool
        return pool

    def current(self) -> Iterator[tuple[Upstream, CredentialPool]]:
        """Yields each upstream of the current configuration with its pool."""
        for upstream in self._upstreams():
            yield upstream, self.of(upstream)

    def reload(self) -> None:
        """Drops the pools of upstreams that are gone or have changed; the others stay.

        Requests under way keep the pool that they have. States stay: they belong to credentials.
        """
        configuration = self.configuration.current()
        current = {it.name: it for it in configuration.routes.upstreams}
        self._pools = {
            name: known for name, known in self._pools.items() if known[0] is current.get(name)
        }
        for _, pool in self._pools.values():
            pool.cool_by(configuration.cooldowns)

    def succeed(self, pool: CredentialPool, member: Member) -> None:
        """Records a good answer."""
        changed = pool.succeed(member, self.now())
        self.states.note(member.credential.id, urgent=changed)

    def fail(self, pool: CredentialPool, member: Member, failure: Failure) -> Verdict:
        """Records a failed attempt and returns what follows it."""
        before = member.state.cooldown
        verdict = pool.fail(member, failure, self.now())
        if member.state.cooldown is not None and member.state.cooldown is not before:
            self.on_cooldown(member.credential.id, member.state.cooldown)
        self.states.note(member.credential.id, urgent=True)
        return verdict

    def _build(self, upstream: Upstream) -> CredentialPool:
        rules = PoolRules(
            strategy=upstream.strategy,
            error_rules=upstream.error_rules,
            cooldowns=self.configuration.current().cooldowns,
        )
        current = {it.id: it for other in self._upstreams() for it in other.credentials}
        # The state of a replaced key would take the place of the new key's.
        kept = [it for it in upstream.credentials if it == current.get(it.id)]
        states = {it.id: self.states.of(it) for it in kept}
        return CredentialPool(upstream.credentials, rules, states)

    def _upstreams(self) -> tuple[Upstream, ...]:
        return self.configuration.current().routes.upstreams

    def _refresh(self) -> None:
        for _, pool in self._pools.values():
            pool.refresh()
