"""The port for the upstreams' lists of models."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from modegate.domain.credentials.credential import Credential
from modegate.domain.routing.upstream import Upstream


class ModelCatalog(Protocol):
    """Fetches lists of models from upstreams."""

    async def list_models(
        self, upstream: Upstream, credential: Credential
    ) -> Sequence[Mapping[str, object]]:
        """Returns the upstream's model objects unchanged.

        Raises:
            GatewayError: if the upstream does not answer with a list.
        """
        ...
