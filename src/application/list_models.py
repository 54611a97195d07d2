"""The use case that lists the models that clients may request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.model_catalog import ModelCatalog
from modegate.domain.errors import GatewayError
from modegate.domain.routing.model_dates import released_at
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.routing.route import Routes

ModelObject = Mapping[str, object]

# The CLI uses a model of Anthropic for every name in the map.
OWNER = "anthropic"


def noop(_: GatewayError) -> None:
    """No-op callback."""


@dataclass(frozen=True, slots=True)
class ListModels:
    """Lists the names in the model map and, on request, the models of the upstreams."""

    configuration: ConfigurationSource
    catalog: ModelCatalog

    async def execute(
        self, *, include_upstream: bool = False, failed: Callable[[GatewayError], None] = noop
    ) -> Sequence[ModelObject]:
        """Returns model objects of the OpenAI API.

        If an upstream fails, Claude's models are still returned, and `failed` gets the error.
        """
        routes = self.configuration.current().routes
        models = routes.models
        own = [describe(models, name) for name in models.names]
        if not include_upstream:
            return own
        try:
            listed = await self._of_upstreams(routes)
        except GatewayError as error:
            failed(error)
            return own
        known = set(models.names)
        return own + [model for model in listed if model["id"] not in known]

    async def find(self, name: str, *, include_upstream: bool = False) -> ModelObject | None:
        """Returns the model with this name, also if only a prefix row matches; None if unknown.

        Raises:
            GatewayError: if the map has no such name and an upstream did not return a list.
        """
        routes = self.configuration.current().routes
        if routes.models.knows(name):
            return describe(routes.models, name)
        listed = await self._of_upstreams(routes) if include_upstream else ()
        return next((model for model in listed if model["id"] == name), None)

    async def _of_upstreams(self, routes: Routes) -> Sequence[ModelObject]:
        """Returns the models of all upstreams for which the server has a credential."""
        listed: list[ModelObject] = []
        for upstream in routes.upstreams:
            if upstream.credential is not None:
                listed += await self.catalog.list_models(upstream, upstream.credential)
        return listed


def describe(models: ModelMap, name: str) -> ModelObject:
    """Returns the model object for a name of the map, with the release date of its CLI model."""
    created = released_at(models.resolve(name))
    return {"id": name, "object": "model", "created": created, "owned_by": OWNER}
