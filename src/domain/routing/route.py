"""Routes: where a request goes, decided from the request and the configuration alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modegate.domain.access.api_key import parse_upstream_key
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.health import UpstreamHealth
from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.routing.upstream import Upstream

# The name of the backend that the `claude` CLI implements.
CLAUDE = "claude"


@dataclass(frozen=True, slots=True)
class ClaudeRoute:
    """To the backend `CLAUDE` and the models of a map; `session_id` is the session to resume."""

    models: ModelMap
    session_id: str | None = None


@dataclass(slots=True)  # not frozen: created for each request
class RelayRoute:
    """To an upstream, with the credential to use there."""

    upstream: Upstream
    credential: Credential


Route = ClaudeRoute | RelayRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The possible routes; without upstreams, passthrough is disabled.

    `clients_may_bring_keys` states whether a client's own key replaces the server's credentials.
    """

    models: ModelMap = field(default_factory=ModelMap)
    upstreams: tuple[Upstream, ...] = ()
    clients_may_bring_keys: bool = True

    def resolve(self, decision: ModeDecision, own_key: str | None = None) -> Route:
        """Returns the route of a request; `own_key` is the client's own key as it was sent.

        Every model of passthrough goes to the first upstream.

        Raises:
            InvalidHeaderError: if the client's own key is used and is malformed.
            ConfigurationError: if passthrough is disabled, or there is no credential for it.
        """
        if decision.mode is Mode.CLAUDE_CODE:
            return ClaudeRoute(self.models, decision.session_id)
        own = self._client_credential(own_key)
        if not self.upstreams:
            raise errors.disabled()
        upstream = self.upstreams[0]
        credential = own or upstream.credential
        if credential is None:
            raise errors.not_configured()
        return RelayRoute(upstream, credential)

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
