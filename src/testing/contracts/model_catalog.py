"""The duties of a `ModelCatalog`."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.model_catalog import ModelCatalog
from modegate.domain.errors import GatewayError


@pytest.mark.anyio
class ModelCatalogContract(ABC):
    """Give three worlds, each a context whose value is a catalog.

    In `listing` the upstream lists `MODELS`; in `failing` it answers without a list; in
    `unconfigured` there is none.
    """

    MODELS = ("model-a", "model-b")

    @abstractmethod
    def listing(self) -> AbstractAsyncContextManager[ModelCatalog]:
        """A catalog whose upstream lists `MODELS`."""

    @abstractmethod
    def failing(self) -> AbstractAsyncContextManager[ModelCatalog]:
        """A catalog whose upstream answers without a list."""

    @abstractmethod
    def unconfigured(self) -> AbstractAsyncContextManager[ModelCatalog]:
        """A catalog without an upstream."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop."""
        return "asyncio"

    async def test_it_lists_the_upstreams_models(self) -> None:
        async with self.listing() as catalog:
            assert tuple(model["id"] for model in await catalog.list_models()) == self.MODELS

    async def test_a_failure_is_a_gateway_error(self) -> None:
        async with self.failing() as catalog:
            with pytest.raises(GatewayError):
                await catalog.list_models()

    async def test_without_an_upstream_the_list_is_empty(self) -> None:
        async with self.unconfigured() as catalog:
            assert list(await catalog.list_models()) == []
