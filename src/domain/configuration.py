"""All settings that a reload may change, as one frozen snapshot."""

from dataclasses import dataclass, field

from modegate.domain.access.key_ring import KeyRing
from modegate.domain.credentials.verdict import Cooldowns
from modegate.domain.parameters.param_policy import ParamPolicy
from modegate.domain.quota import Limit
from modegate.domain.routing.route import Routes
from modegate.domain.session import SessionPolicy

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The rules for one request, read once at its start: a reload does not affect it."""

    keys: KeyRing = field(default_factory=KeyRing)
    per_address: Limit = field(default_factory=lambda: Limit("address", 60, MINUTE_S))
    per_session: Limit = field(default_factory=lambda: Limit("session", 10, MINUTE_S))
    sessions: SessionPolicy = field(default_factory=SessionPolicy)
    routes: Routes = field(default_factory=Routes)
    parameters: ParamPolicy = field(default_factory=ParamPolicy)
    cooldowns: Cooldowns = field(default_factory=Cooldowns)
