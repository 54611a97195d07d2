"""The use case that shows operators the upstreams."""

from collections.abc import Sequence

from modegate.application.credentials.pools import CredentialPools
from modegate.application.ports.clock import Clock
from modegate.application.ports.model_catalog import ModelCatalog
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.pool import CredentialPool
from modegate.domain.credentials.state import CredentialStatus
from modegate.domain.errors import GatewayError, TurnTimeoutError, UpstreamUnreachableError
from modegate.domain.routing.upstream import Upstream
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """An upstream with the number of its credentials that can be used now."""

    upstream: Upstream
    is_default: bool
    credentials: int
    usable: int


@dataclass(frozen=True, slots=True)
class UpstreamCheck:
    """The outcome of a request for an upstream's models.

    `is_reachable` is None without a credential to ask with. `error` is a code, None for a list.
    """

    is_reachable: bool | None
    error: str | None = None
    models: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUpstreams:
    """Lists the upstreams of the configuration, and connects to them on request."""

    pools: CredentialPools
    catalog: ModelCatalog
    clock: Clock

    def list(self) -> Sequence[UpstreamView]:
        """Returns the upstreams in the order of the file."""
        routes = self.pools.configuration.current().routes
        default = routes.default_upstream or next((it.name for it in routes.upstreams), None)
        now = self.clock.now()
        return [
            UpstreamView(
                upstream, upstream.name == default, len(upstream.credentials), pool.usable(now)
            )
            for upstream, pool in self.pools.current()
        ]

    async def check(self, upstream: Upstream) -> UpstreamCheck:
        """Asks an upstream for its models; nothing is learned about the credential."""
        credential = self._credential(self.pools.of(upstream))
        if credential is None:
            return UpstreamCheck(None)
        try:
            models = await self.catalog.list_models(upstream, credential)
        except (UpstreamUnreachableError, TurnTimeoutError) as error:
            return UpstreamCheck(is_reachable=False, error=error.code)
        except GatewayError as error:
            return UpstreamCheck(is_reachable=True, error=error.code)
        return UpstreamCheck(is_reachable=True, models=len(models))

    def _credential(self, pool: CredentialPool) -> Credential | None:
        """Returns a usable credential, else any; takes no turn of the strategy."""
        now = self.clock.now()
        members = sorted(
            pool,
            key=lambda it: (
                it.state.status(now, it.credential.expires_at) is not CredentialStatus.READY
            ),
        )
        return members[0].credential if members else None
