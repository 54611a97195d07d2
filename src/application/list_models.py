"""Which models a client may name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.model_catalog import ModelCatalog
from modegate.domain.errors import GatewayError
from modegate.domain.model_dates import released_at
from modegate.domain.model_map import ModelMap

ModelObject = Mapping[str, object]

# Whatever the client calls it, the CLI asks a model of Anthropic's.
OWNER = "anthropic"


def noop(_: GatewayError) -> None:
    """No-op callback."""


@dataclass(frozen=True, slots=True)
class ListModels:
    """The rows of the model map and, where asked for, the upstream's own models."""

    configuration: ConfigurationSource
    upstream: ModelCatalog

    async def execute(
        self, *, include_upstream: bool = False, failed: Callable[[GatewayError], None] = noop
    ) -> Sequence[ModelObject]:
        """OpenAI's model objects.

        A failing upstream does not hide Claude's models: `failed` is called with its error.
        """
        models = self.configuration.current().models
        own = [describe(models, name) for name in models.names]
        if not include_upstream:
            return own
        try:
            listed = await self.upstream.list_models()
        except GatewayError as error:
            failed(error)
            return own
        known = set(models.names)
        return own + [model for model in listed if model["id"] not in known]

    async def find(self, name: str, *, include_upstream: bool = False) -> ModelObject | None:
        """The model that a client may name so, also where a row stands for many names.

        Raises:
            GatewayError: it is none of Claude's, and the upstream did not answer with a list.
        """
        models = self.configuration.current().models
        if models.knows(name):
            return describe(models, name)
        listed = await self.upstream.list_models() if include_upstream else ()
        return next((model for model in listed if model["id"] == name), None)


def describe(models: ModelMap, name: str) -> ModelObject:
    """A name of the model map as OpenAI's model object, with the date of the model that answers."""
    created = released_at(models.resolve(name))
    return {"id": name, "object": "model", "created": created, "owned_by": OWNER}
