"""Routes: where a request goes, decided from the request and the configuration alone."""

from collections.abc import Mapping
from dataclasses import field

from modegate.domain.access.api_key import parse_upstream_key
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.errors.catalogue import routing
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.health import UpstreamHealth
from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.routing.upstream import Upstream
from modegate.domain.routing.upstream_table import UpstreamTable
from modegate.lazy_dataclass import dataclass

# The name of the backend that the `claude` CLI implements.
CLAUDE = "claude"


@dataclass(frozen=True, slots=True)
class ClaudeRoute:
    """To the backend `CLAUDE` and the models of a map; `session_id` is the session to resume.

    `anew` is whether a request without one begins a session even if its history is known, and one
    with results even if its session waits for them, as far as it holds their calls.
    """

    models: ModelMap
    session_id: str | None = None
    anew: bool = False


@dataclass(slots=True)  # not frozen: created for each request
class RelayRoute:
    """To an upstream, which knows the model as `model`; None if the request names none.

    `own` is the client's own credential. Without it, the upstream's credentials are used.
    """

    upstream: Upstream
    model: str | None = None
    own: Credential | None = None


Route = ClaudeRoute | RelayRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The possible routes; without upstreams, passthrough is disabled.

    `clients_may_bring_keys` states whether a client's own key replaces the server's credentials.
    `default_upstream` is the name of the upstream for models that no other one serves; the first
    one if it is None.
    """

    models: ModelMap = field(default_factory=ModelMap)
    upstreams: tuple[Upstream, ...] = ()
    clients_may_bring_keys: bool = True
    default_upstream: str | None = None
    _table: UpstreamTable | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_table", _table_of(self.upstreams, self.default_upstream))

    def resolve(
        self, decision: ModeDecision, own_key: str | None = None, model: str | None = None
    ) -> Route:
        """Returns the route of a request; `own_key` is the client's own key as it was sent.

        Raises:
            InvalidHeaderError: if the client's own key is used and is malformed, or the model is of
                another upstream than the default one.
            ModelNotFoundError: if no upstream serves the model.
            ConfigurationError: if passthrough is disabled, or there is no credential for it.
        """
        if decision.mode is Mode.CLAUDE_CODE:
            return ClaudeRoute(self.models, decision.session_id, decision.anew)
        own = self._client_credential(own_key)
        if self._table is None:
            raise errors.disabled()
        found = self._table.find(model)
        if own is not None and found.upstream is not self._table.default:
            raise routing.own_key_elsewhere(found.upstream.name, self._table.default.name)
        if own is None and not found.upstream.credentials:
            raise errors.not_configured()
        return RelayRoute(found.upstream, found.model, own)

    @property
    def table(self) -> UpstreamTable | None:
        """The table from models to upstreams; None if there are none."""
        return self._table

    def health(self) -> Mapping[str, UpstreamHealth]:
        """Returns the state of each upstream by its name."""
        return {
            upstream.name: UpstreamHealth(
                has_credential=upstream.credential is not None,
                accepts_client_keys=self.clients_may_bring_keys,
            )
            for upstream in self.upstreams
        }

    def _client_credential(self, own_key: str | None) -> Credential | None:
        if own_key is None or not self.clients_may_bring_keys:
            return None
        return Credential(CLIENTS_OWN, parse_upstream_key(own_key))


def _table_of(upstreams: tuple[Upstream, ...], default: str | None) -> UpstreamTable | None:
    """Returns the table of the upstreams; None if there are none.

    Raises:
        ValueError: if no upstream has the name `default`.
    """
    if not upstreams:
        return None
    if default is None:
        return UpstreamTable(upstreams, upstreams[0])
    for upstream in upstreams:
        if upstream.name == default:
            return UpstreamTable(upstreams, upstream)
    raise ValueError(f"no upstream has the name {default!r}")
