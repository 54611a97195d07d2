"""All settings that a reload may change, as one frozen snapshot."""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, tzinfo

from modegate.domain.access.key_ring import KeyRing
from modegate.domain.batches.limits import BatchLimits
from modegate.domain.budgets.budget import Budget
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.verdict import Cooldowns
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import ParamPolicy
from modegate.domain.quota import Limit
from modegate.domain.routing.mode import ModeDefaults
from modegate.domain.routing.route import Routes
from modegate.domain.session import SessionPolicy
from modegate.domain.usage.prices import PriceTable
from modegate.lazy_dataclass import dataclass

MINUTE_S = 60.0
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The rules for one request, read once at its start: a reload does not affect it.

    A credential that expires within `expiry_warning_s` causes a warning.
    `per_key` is the number of concurrent requests of a key without a number of its own.
    `shares_state` allows clients to use what the upstream keeps for the server's credentials.
    `modes` decide where a request does not. `continues_by_history` is whether a request without a
    session id may go on with a session.
    `prices` override the built-in ones. `budget` is that of the whole gateway, and `budget_zone` the
    time zone of all budgets. A request of unknown price passes budgets in US dollars only if
    `allows_unknown_prices`. A request without a maximum reserves `reserved_completion_tokens`.
    `batches` are the limits of batches that the gateway runs. `redacts_tool_arguments` removes
    secrets from the arguments of calls, too.
    """

    keys: KeyRing = field(default_factory=KeyRing)
    per_address: Limit = field(default_factory=lambda: Limit("address", 60, MINUTE_S))
    per_key: int = 5
    per_session: Limit = field(default_factory=lambda: Limit("session", 10, MINUTE_S))
    sessions: SessionPolicy = field(default_factory=SessionPolicy)
    continues_by_history: bool = True
    routes: Routes = field(default_factory=Routes)
    modes: ModeDefaults = field(default_factory=ModeDefaults)
    parameters: ParamPolicy = field(default_factory=ParamPolicy)
    media: MediaPolicy = field(default_factory=MediaPolicy)
    redacts_tool_arguments: bool = False
    cooldowns: Cooldowns = field(default_factory=Cooldowns)
    shares_state: bool = False
    prices: PriceTable = field(default_factory=PriceTable)
    budget: Budget | None = None
    budget_zone: tzinfo = UTC
    allows_unknown_prices: bool = False
    reserved_completion_tokens: int = 1024
    batches: BatchLimits = field(default_factory=BatchLimits)
    expiry_warning_s: float = 7 * DAY_S

    def following(self, before: "Configuration") -> "Configuration":
        """Returns the configuration with the managed keys of the one before it, unless it has its own.

        Settings know nothing of managed keys, so a reload must not lose them.
        """
        if self.keys.managed is not None or before.keys.managed is None:
            return self
        return replace(self, keys=self.keys.with_managed(before.keys.managed))

    def reusing(self, before: "Configuration") -> "Configuration":
        """Returns the configuration with the equal upstreams of another one as the same objects.

        Pools and what they have learned are kept by identity, so they survive a reload.
        """
        known = {it.name: it for it in before.routes.upstreams}
        upstreams = tuple(
            known[it.name] if known.get(it.name) == it else it for it in self.routes.upstreams
        )
        return replace(self, routes=replace(self.routes, upstreams=upstreams))

    def with_credentials(self, changed: Mapping[str, Credential]) -> "Configuration":
        """Returns the configuration with other credentials by id; itself without a difference.

        What does not change stays the same object, because pools are kept by identity.
        """
        upstreams = tuple(it.with_credentials(changed) for it in self.routes.upstreams)
        if all(new is old for new, old in zip(upstreams, self.routes.upstreams, strict=True)):
            return self
        return replace(self, routes=replace(self.routes, upstreams=upstreams))
