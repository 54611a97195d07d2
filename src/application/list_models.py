"""The use case that lists the models that clients may request."""

from collections.abc import Callable, Sequence

from modegate.application.credentials.pools import CredentialPools
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.model_lists import ModelLists
from modegate.domain.access.key_rules import NO_RULES, KeyRules
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.state import CredentialStatus
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import GatewayError
from modegate.domain.routing.listed_model import (
    ListedModel,
    claude_model,
    distinct,
    prefixed_names,
    upstream_models,
)
from modegate.domain.routing.mode import UNDECIDED, Mode, without_prefix
from modegate.domain.routing.model_map import CLAUDES_OWN
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream
from modegate.lazy_dataclass import dataclass


def noop(_: GatewayError) -> None:
    """No-op callback."""


@dataclass(frozen=True, slots=True)
class ListModels:
    """Lists the names in the model map and the models of the upstreams, each name once."""

    configuration: ConfigurationSource
    lists: ModelLists
    pools: CredentialPools

    async def execute(
        self,
        *,
        include_upstream: bool = True,
        failed: Callable[[GatewayError], None] = noop,
        rules: KeyRules = NO_RULES,
        dialect: DialectName = DialectName.CHAT,
    ) -> Sequence[ListedModel]:
        """Returns Claude's models, then those of the upstreams; only what `rules` allow.

        A name of both, such as `gpt-4o`, is the upstream's: a request without a mode goes there.
        Where such a request in the `dialect` is relayed, the list also has the names that lead to
        Claude Code without a header.

        `failed` gets the error of each upstream whose list could not be fetched the last time.
        """
        configuration = self.configuration.current()
        routes, has_claude = configuration.routes, rules.allows_mode(Mode.CLAUDE_CODE)
        names = routes.models.names if has_claude else ()
        by_default = configuration.modes.decide(UNDECIDED, dialect, rules.mode)
        if has_claude and by_default.mode is Mode.PASSTHROUGH:
            names = (*names, *prefixed_names(routes.models))
        models = [claude_model(routes.models, it) for it in names if _allows(rules, it)]
        if not (include_upstream and rules.allows_mode(Mode.PASSTHROUGH)):
            return models
        found = await self._of_upstreams(routes, failed)
        listed = [it for it in found if rules.allows_model(it.id)]
        by_id = {model.id: model for model in reversed(listed)}
        shown = [it if CLAUDES_OWN.fullmatch(it.id) else by_id.get(it.id, it) for it in models]
        return distinct([*shown, *listed])

    async def find(
        self, name: str, *, include_upstream: bool = True, rules: KeyRules = NO_RULES
    ) -> ListedModel | None:
        """Returns the model with this name, also if only a prefix row matches; None if unknown.

        A model that `rules` do not allow is unknown.

        Raises:
            GatewayError: if no known list has the name, and an upstream's list is missing or old.
        """
        if not _allows(rules, name):
            return None
        routes = self.configuration.current().routes
        has_claude = rules.allows_mode(Mode.CLAUDE_CODE) and routes.models.knows(name)
        own = claude_model(routes.models, name) if has_claude else None
        if own is not None and CLAUDES_OWN.fullmatch(name):
            return own
        errors: list[GatewayError] = []
        asks = include_upstream and rules.allows_mode(Mode.PASSTHROUGH)
        listed = await self._of_upstreams(routes, errors.append) if asks else ()
        found = next((model for model in listed if model.id == name), None)
        if found is None and own is None and errors:
            raise errors[0]
        return found or own

    async def _of_upstreams(
        self, routes: Routes, failed: Callable[[GatewayError], None]
    ) -> Sequence[ListedModel]:
        if routes.table is None:
            return ()
        models: list[ListedModel] = []
        for upstream in routes.upstreams:
            if not upstream.credentials:
                continue
            known = await self.lists.of(upstream, await self._usable(upstream))
            models += upstream_models(routes.table, upstream, known.models)
            if known.error is not None:
                failed(known.error)
        return models

    async def _usable(self, upstream: Upstream) -> Credential | None:
        """Returns a usable credential; this takes no turn of the strategy."""
        states = self.pools.states
        if not states.is_loaded:
            await states.load()
        now = self.pools.now()
        for member in self.pools.of(upstream):
            expires_at = member.credential.expires_at
            if member.state.status(now, expires_at) is CredentialStatus.READY:
                return member.credential
        return None


def _allows(rules: KeyRules, name: str) -> bool:
    """Returns whether a key may use a model, of which the prefix of the mode is no part."""
    return rules.allows_model(name) or rules.allows_model(without_prefix(name))
