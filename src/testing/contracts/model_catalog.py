"""The duties of a `ModelCatalog`."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.model_catalog import ModelCatalog
from modegate.domain.errors import GatewayError
from modegate.testing.upstreams import CREDENTIAL, UPSTREAM


@pytest.mark.anyio
class ModelCatalogContract(ABC):
    """Give two worlds, each a context whose value is a catalog.

    In `listing` the upstream lists `MODELS`; in `failing` it answers without a list. `upstream` is
    the one of the latest catalog, asked with `credential`.
    """

    MODELS = ("model-a", "model-b")
    upstream = UPSTREAM
    credential = CREDENTIAL

    @abstractmethod
    def listing(self) -> AbstractAsyncContextManager[ModelCatalog]:
        """A catalog whose upstream lists `MODELS`."""

    @abstractmethod
    def failing(self) -> AbstractAsyncContextManager[ModelCatalog]:
        """A catalog whose upstream answers without a list."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop."""
        return "asyncio"

    async def test_it_lists_the_upstreams_models(self) -> None:
        async with self.listing() as catalog:
            listed = await catalog.list_models(self.upstream, self.credential)
            assert tuple(model["id"] for model in listed) == self.MODELS

    async def test_a_failure_is_a_gateway_error(self) -> None:
        async with self.failing() as catalog:
            with pytest.raises(GatewayError):
                await catalog.list_models(self.upstream, self.credential)
